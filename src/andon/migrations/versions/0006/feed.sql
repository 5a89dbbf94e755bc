-- The feed (decisions): how far each consumer has read the committed decisions of each chain of the audit log.
CREATE TABLE feed_consumers (
    name       text PRIMARY KEY,
    begun_at   timestamptz NOT NULL DEFAULT now(),
    moved_at   timestamptz,
    taken      bigint NOT NULL DEFAULT 0
);

-- All leaves up to `seq` are read, and of the one after it the first `taken` decisions. A chain without a row is unread.
CREATE TABLE feed_positions (
    consumer text NOT NULL REFERENCES feed_consumers ON DELETE CASCADE,
    writer   uuid NOT NULL,
    seq      bigint NOT NULL,
    taken    integer NOT NULL DEFAULT 0,
    PRIMARY KEY (consumer, writer)
);

-- Files that consumers append to: bytes behind the last committed one are from a run that did not end, and are cut off.
CREATE TABLE feed_exports (
    consumer   text PRIMARY KEY REFERENCES feed_consumers ON DELETE CASCADE,
    automation text NOT NULL,
    file       text NOT NULL,
    bytes      bigint NOT NULL DEFAULT 0
);

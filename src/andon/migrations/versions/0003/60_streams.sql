-- Streams of events into automations: what a person said of each, and what its workers last could not do.
CREATE TABLE streams (
    automation   text NOT NULL,
    stream       text NOT NULL,  -- the trigger: `kafka:transfers`
    paused_at    timestamptz,
    paused_by    text,
    pause_reason text,
    problem      text,
    problem_at   timestamptz,
    PRIMARY KEY (automation, stream)
);

-- How far each partition is; moves in the transaction that records what was decided. Whoever is not its owner, or read from
-- another position, or while it was paused or is to go on elsewhere (`seek`), changes no row and so records nothing.
CREATE TABLE stream_partitions (
    automation   text NOT NULL,
    stream       text NOT NULL,
    partition    text NOT NULL,
    position     bigint NOT NULL,
    paused       boolean NOT NULL,
    seek         text,
    owner        uuid,           -- one of its members; of no effect when that is not heard of any more
    end_position bigint,         -- as the source said at end_at
    end_at       timestamptz,
    per_second   double precision,  -- events decided lately, as its reader said at end_at
    watermark    timestamptz,    -- the newest event time so far
    moved_at     timestamptz,
    decided      bigint NOT NULL DEFAULT 0,
    repeated     bigint NOT NULL DEFAULT 0,
    left_out     bigint NOT NULL DEFAULT 0,
    dead         bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (automation, stream, partition),
    FOREIGN KEY (automation, stream) REFERENCES streams
) WITH (fillfactor = 50);

-- Who reads a stream now, until when unless it is heard of again: each gets its share of the partitions.
CREATE TABLE stream_members (
    automation text NOT NULL,
    stream     text NOT NULL,
    member     uuid NOT NULL,
    joined_at  timestamptz NOT NULL,
    until      timestamptz NOT NULL,
    PRIMARY KEY (automation, stream, member)
);

-- Events that could not be decided, as they came, with the reason.
CREATE TABLE dead_events (
    id             uuid PRIMARY KEY,
    automation     text NOT NULL,
    stream         text NOT NULL,
    partition      text NOT NULL,
    position       bigint NOT NULL,
    source         text,
    event_id       text,
    type           text,
    reason         text NOT NULL,
    faults         jsonb NOT NULL,
    data           bytea NOT NULL,
    headers        jsonb NOT NULL,
    key            text,
    caller         text NOT NULL,
    correlation_id text,
    traceparent    text,
    happened_at    timestamptz,
    died_at        timestamptz NOT NULL,
    state          text NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'sent', 'discarded')),
    settled_at     timestamptz,
    settled_by     text,
    settle_reason  text,
    decision_id    uuid
);
CREATE INDEX dead_events_of_stream ON dead_events (automation, state, id);

-- Events that came by HTTP: the log that the trigger `http` reads. Kept for some days, so that it can be read again.
CREATE TABLE event_inbox (
    position    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    automation  text NOT NULL,
    shelf       smallint NOT NULL,  -- its partition: all events of one key are on one shelf
    source      text,
    event_id    text,
    key         text,
    headers     jsonb NOT NULL,
    data        bytea NOT NULL,
    caller      text NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX event_inbox_log ON event_inbox (automation, shelf, position);
CREATE INDEX event_inbox_age ON event_inbox USING brin (received_at);
CREATE UNIQUE INDEX event_inbox_once ON event_inbox (automation, source, event_id) WHERE event_id IS NOT NULL;

-- The dead event that is tried again, and whether its data was mended.
ALTER TABLE intake ADD COLUMN dead_event uuid, ADD COLUMN mended boolean NOT NULL DEFAULT false;

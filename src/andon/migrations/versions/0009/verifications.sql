-- Verifications of the audit log (andon.audit): asked for over HTTP, done by a worker, kept for some weeks.
CREATE TABLE verifications (
    id            uuid PRIMARY KEY,
    asked_by      text NOT NULL,
    anchor        bytea,
    asked_at      timestamptz NOT NULL,
    started_at    timestamptz,
    ended_at      timestamptz,
    claimed_until timestamptz,
    attempts      smallint NOT NULL DEFAULT 0,
    entries_read  bigint NOT NULL DEFAULT 0,
    report        jsonb,   -- once it is done
    error         text     -- if it never will be
);
CREATE INDEX verifications_open ON verifications (id) WHERE ended_at IS NULL;

-- Messages to be carried out after the transaction that wrote them (kernel.outbox).
CREATE TABLE outbox (
    id             uuid PRIMARY KEY,
    topic          text NOT NULL,
    scope          text NOT NULL,
    subject        uuid NOT NULL,
    payload        json NOT NULL,
    correlation_id text NOT NULL,
    traceparent    text,
    created_at     timestamptz NOT NULL,
    due_at         timestamptz NOT NULL,
    state          text NOT NULL CHECK (state IN ('pending', 'done', 'dead')),
    attempts       integer NOT NULL DEFAULT 0,
    claimed_until  timestamptz,
    last_error     text,
    settled_at     timestamptz
);
CREATE INDEX outbox_due ON outbox (topic, due_at) WHERE state = 'pending';
CREATE INDEX outbox_dead ON outbox (topic, id) WHERE state = 'dead';
CREATE INDEX outbox_subject ON outbox (subject);

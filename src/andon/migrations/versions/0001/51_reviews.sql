-- A person's task on one decision (andon.reviews). What a verdict needs is here, so that it needs no automation.
CREATE TABLE reviews (
    id             uuid PRIMARY KEY,
    decision_id    uuid NOT NULL UNIQUE,
    automation     text NOT NULL,
    queue          text NOT NULL,
    state          text NOT NULL CHECK (state IN ('open', 'claimed', 'decided')),
    rule           text NOT NULL,
    reasons        text[] NOT NULL,
    outcomes       text[] NOT NULL,
    actions        json NOT NULL,
    decision       json NOT NULL,
    correlation_id text NOT NULL,
    traceparent    text,
    opened_at      timestamptz NOT NULL,
    due_at         timestamptz NOT NULL,
    claimed_by     text,
    claimed_at     timestamptz,
    claimed_until  timestamptz,
    outcome        text,
    reason         text,
    decided_by     text,
    decided_at     timestamptz,
    CHECK ((state = 'decided') = (outcome IS NOT NULL AND reason IS NOT NULL AND decided_by IS NOT NULL AND decided_at IS NOT NULL))
);
CREATE INDEX reviews_waiting ON reviews (due_at, id) WHERE state <> 'decided';
CREATE INDEX reviews_decided ON reviews (decided_at DESC, id) WHERE state = 'decided';

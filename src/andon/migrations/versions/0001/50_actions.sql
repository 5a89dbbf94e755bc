-- Attempts to carry out an action, and how they ended (andon.actions). Both tables only grow: an attempt without an
-- answer is under way, or its process died and nobody knows whether the receiver got it.
CREATE TABLE delivery_attempts (
    id         uuid PRIMARY KEY,
    message_id uuid NOT NULL,
    number     integer NOT NULL,
    began_at   timestamptz NOT NULL
);
CREATE INDEX delivery_attempts_message ON delivery_attempts (message_id, id);

CREATE TABLE delivery_answers (
    attempt_id uuid PRIMARY KEY,
    ended_at   timestamptz NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('delivered', 'refused', 'failed', 'unknown')),
    status     integer,
    detail     text NOT NULL
);

-- Destinations that said they are gone; nothing is sent there until a person enables them again.
CREATE TABLE disabled_destinations (
    name        text PRIMARY KEY,
    disabled_at timestamptz NOT NULL,
    reason      text NOT NULL
);

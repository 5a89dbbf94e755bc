-- Processes that hold durable runs and are alive (andon.kernel.durable). A row that ran out is taken away by the others, and
-- what that process held is theirs. The runs themselves are in the schema `andon_durable`, which DBOS makes.
CREATE TABLE durable_leases (
    executor   text PRIMARY KEY,
    host       text NOT NULL,
    pid        integer NOT NULL,
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

-- What follows a decision in several steps (andon.procedures): the facts of each run, whose state is its row in `andon_durable`.
-- The id is the key under which it was started: that of the action that did.
CREATE TABLE procedures (
    id             uuid PRIMARY KEY,
    name           text NOT NULL,
    version        text NOT NULL,
    automation     text NOT NULL,
    decision_id    uuid NOT NULL,
    input          json NOT NULL,
    correlation_id text NOT NULL,
    traceparent    text,
    started_at     timestamptz NOT NULL,
    forked_from    uuid,
    forked_at_step integer
);
CREATE INDEX procedures_decision ON procedures (decision_id);

-- The versions of the code that processes have had, the newest last; so that a fork finds the present one, and what has no code shows.
CREATE TABLE procedure_versions (
    name     text NOT NULL,
    version  text NOT NULL,
    retired  boolean NOT NULL,
    seen_at  timestamptz NOT NULL,
    PRIMARY KEY (name, version)
);

-- What was sent to a procedure, each once by its key. `taken_by` is the step that got it.
CREATE TABLE procedure_events (
    id           uuid PRIMARY KEY,
    procedure_id uuid NOT NULL,
    name         text NOT NULL,
    key          text NOT NULL,
    data         json NOT NULL,
    sent_by      text NOT NULL,
    sent_at      timestamptz NOT NULL,
    taken_by     integer,
    UNIQUE (procedure_id, key)
);

-- What a step waits or waited for. `message_id` is the delivery, if it is one that it waits for.
CREATE TABLE procedure_waits (
    procedure_id uuid NOT NULL,
    step         integer NOT NULL,
    what         text NOT NULL,
    began_at     timestamptz NOT NULL,
    until        timestamptz,
    message_id   uuid,
    over         boolean NOT NULL DEFAULT false,
    PRIMARY KEY (procedure_id, step)
);
CREATE INDEX procedure_waits_delivery ON procedure_waits (message_id) WHERE message_id IS NOT NULL AND NOT over;

-- Attempts at a step that failed. The one that did not fail is the step's own record.
CREATE TABLE procedure_attempts (
    procedure_id uuid NOT NULL,
    step         integer NOT NULL,
    name         text NOT NULL,
    number       integer NOT NULL,
    began_at     timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    error        text NOT NULL,
    PRIMARY KEY (procedure_id, step, number)
);

-- A question that a procedure asks is a review beside the one that its decision may have had. `asked_by` is its key.
ALTER TABLE reviews ADD COLUMN asked_by uuid UNIQUE, ADD COLUMN procedure_id uuid, ADD COLUMN question text;
ALTER TABLE reviews ADD CHECK ((asked_by IS NULL) = (question IS NULL) AND (asked_by IS NULL) = (procedure_id IS NULL));
ALTER TABLE reviews DROP CONSTRAINT reviews_decision_id_key;
CREATE UNIQUE INDEX reviews_of_decision ON reviews (decision_id) WHERE asked_by IS NULL;
CREATE INDEX reviews_of_procedure ON reviews (procedure_id) WHERE procedure_id IS NOT NULL;

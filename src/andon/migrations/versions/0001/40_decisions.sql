-- The ledger, partitioned by day through the time in the identifier (UUID version 7); only ever added to.
CREATE TABLE decisions (
    id                 uuid NOT NULL PRIMARY KEY,
    automation         text NOT NULL,
    automation_version integer NOT NULL,
    decided_at         timestamptz NOT NULL,
    outcome            text NOT NULL,
    rule               text NOT NULL,
    score              double precision,
    confidence         double precision,
    certain            boolean NOT NULL,
    model              text NOT NULL,
    model_version      integer NOT NULL,
    policy_version     text NOT NULL,
    caller             text NOT NULL,
    correlation_id     text NOT NULL,
    latency_us         integer NOT NULL,
    writer             uuid NOT NULL,
    seq                bigint NOT NULL,
    salt               bytea NOT NULL,
    record             bytea NOT NULL
) PARTITION BY RANGE (id);

-- Nothing is lost when no partition was made ahead.
CREATE TABLE decisions_unplanned PARTITION OF decisions DEFAULT;

CREATE FUNCTION decisions_are_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'decisions are never changed or deleted';
END
$$;
CREATE TRIGGER decisions_are_for_ever BEFORE UPDATE OR DELETE ON decisions
    FOR EACH ROW EXECUTE FUNCTION decisions_are_for_ever();
CREATE TRIGGER decisions_are_not_emptied BEFORE TRUNCATE ON decisions
    FOR EACH STATEMENT EXECUTE FUNCTION decisions_are_for_ever();

-- The first answer to a caller's own key, so that a repeat gets it again.
CREATE TABLE idempotency_keys (
    scope       text NOT NULL,
    key         text NOT NULL,
    digest      bytea NOT NULL,
    decision_id uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- Requests that were accepted to be decided later.
CREATE TABLE intake (
    id              uuid PRIMARY KEY,
    automation      text NOT NULL,
    raw             bytea NOT NULL,
    caller          text NOT NULL,
    correlation_id  text NOT NULL,
    traceparent     text,
    idempotency_key text,
    received_at     timestamptz NOT NULL,
    claimed_until   timestamptz,
    error           text
);
CREATE UNIQUE INDEX intake_key ON intake (automation, caller, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE automation_versions (
    name        text NOT NULL,
    number      integer NOT NULL,
    digest      text NOT NULL,
    description jsonb NOT NULL,
    deployed_by text NOT NULL,
    deployed_at timestamptz NOT NULL,
    PRIMARY KEY (name, number),
    UNIQUE (name, digest)
);

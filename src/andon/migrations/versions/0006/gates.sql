-- Gate revisions (andon.gates): from which confidence an arm's predictions may be acted on. Rows are never changed; of an arm
-- the newest that has not expired holds.
CREATE TABLE gate_revisions (
    automation         text NOT NULL,
    revision           integer NOT NULL CHECK (revision > 0),
    arm                text NOT NULL,
    threshold          double precision NOT NULL CHECK (threshold >= 0),
    target             double precision NOT NULL,
    confidence         double precision,
    origin             text NOT NULL CHECK (origin IN ('held_out', 'person')),
    evidence           jsonb NOT NULL,
    automation_version integer NOT NULL,
    made_by            text NOT NULL,
    reason             text NOT NULL CHECK (reason <> ''),
    made_at            timestamptz NOT NULL,
    expires_at         timestamptz,
    PRIMARY KEY (automation, revision)
);
CREATE INDEX gate_revisions_arm ON gate_revisions (automation, arm, origin, revision DESC);
CREATE FUNCTION refuse_change_of_gates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON gate_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_gates();

-- Calls of tools (andon.tools), one row for each decided call; the id is the decision's, whose input holds the arguments.
-- What may be carried out follows from the ledger and the verdict: a row only says how far the permit is used.
CREATE TABLE tool_calls (
    id               uuid PRIMARY KEY,
    toolbox          text NOT NULL,
    tool             text NOT NULL,
    digest           text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),  -- SHA-256 of the arguments' canonical JSON
    caller           text NOT NULL,
    agent            text NOT NULL,
    run              text,
    outcome          text NOT NULL,
    rule             text NOT NULL,
    reasons          text[] NOT NULL,
    state            text NOT NULL CHECK (state IN ('allowed', 'denied', 'waiting', 'refused', 'expired', 'begun', 'unknown', 'done', 'failed')),
    asked_at         timestamptz NOT NULL,
    expires_at       timestamptz,
    approval_seconds double precision NOT NULL CHECK (approval_seconds > 0),
    answered_by      text,
    answered_at      timestamptz,
    begun_at         timestamptz,
    ended_at         timestamptz,
    result           json,
    error            text,
    finish_by        timestamptz,  -- of a begun call that its caller carries out: when its outcome becomes unknown
    queue            text,         -- where a person is asked then
    uses             integer NOT NULL DEFAULT 0 CHECK (uses >= 0)  -- how often the permit was spent
);
CREATE INDEX tool_calls_of_toolbox ON tool_calls (toolbox, id);
CREATE INDEX tool_calls_of_run ON tool_calls (run) WHERE run IS NOT NULL;
CREATE INDEX tool_calls_that_expire ON tool_calls (expires_at) WHERE state IN ('allowed', 'waiting');
CREATE INDEX tool_calls_unfinished ON tool_calls (finish_by) WHERE state = 'begun';

CREATE FUNCTION refuse_change_of_tool_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        AND (NEW.id, NEW.toolbox, NEW.tool, NEW.digest, NEW.caller, NEW.agent, NEW.outcome, NEW.asked_at)
            = (OLD.id, OLD.toolbox, OLD.tool, OLD.digest, OLD.caller, OLD.agent, OLD.outcome, OLD.asked_at)
        AND OLD.state NOT IN ('denied', 'refused', 'expired', 'done') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'this change of a tool call is refused' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON tool_calls
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_tool_call();
ALTER TABLE tool_calls ENABLE ALWAYS TRIGGER immutable;

ALTER TABLE access_grants DROP CONSTRAINT access_grants_role_check;
ALTER TABLE access_grants ADD CONSTRAINT access_grants_role_check
    CHECK (role IN ('caller', 'agent', 'viewer', 'reviewer', 'operator', 'owner', 'auditor', 'admin'));

-- A question about a call of a tool belongs to no procedure.
DO $$
DECLARE old name;
BEGIN
    SELECT conname INTO STRICT old FROM pg_constraint
        WHERE conrelid = 'reviews'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%procedure_id%';
    EXECUTE format('ALTER TABLE reviews DROP CONSTRAINT %I', old);
END
$$;
ALTER TABLE reviews ADD CONSTRAINT reviews_of_questions
    CHECK ((asked_by IS NULL) = (question IS NULL) AND (procedure_id IS NULL OR asked_by IS NOT NULL));

-- What scripts in web applications did for actions: one row for each step, its picture for a while. A row is written
-- when a commit is about to happen, gets its end once, and afterwards loses at most its picture.

CREATE TABLE action_evidence (
    id             uuid PRIMARY KEY,
    action_id      uuid NOT NULL,
    automation     text NOT NULL,
    run            uuid NOT NULL,
    look           boolean NOT NULL,
    number         integer NOT NULL,
    what           text NOT NULL,
    commit         boolean NOT NULL,
    began_at       timestamptz NOT NULL,
    ended_at       timestamptz,
    outcome        text,
    detail         text NOT NULL,
    digest         text,
    picture        bytea,
    picture_digest text,
    CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    CHECK (octet_length(picture) <= 1048576)
);
ALTER TABLE action_evidence ALTER COLUMN picture SET STORAGE EXTERNAL;
CREATE INDEX action_evidence_action ON action_evidence (action_id, id);
CREATE INDEX action_evidence_pictures ON action_evidence (began_at) WHERE picture IS NOT NULL;

CREATE FUNCTION keep_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed action_evidence := OLD;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.ended_at IS NULL THEN
            allowed.ended_at := NEW.ended_at;
            allowed.outcome := NEW.outcome;
            allowed.detail := NEW.detail;
            allowed.digest := NEW.digest;
            allowed.picture := NEW.picture;
            allowed.picture_digest := NEW.picture_digest;
        ELSE
            allowed.picture := NULL;
        END IF;
        IF NEW IS NOT DISTINCT FROM allowed THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'evidence is never changed or deleted';
END
$$;
CREATE TRIGGER keep_evidence BEFORE UPDATE OR DELETE ON action_evidence
    FOR EACH ROW EXECUTE FUNCTION keep_evidence();

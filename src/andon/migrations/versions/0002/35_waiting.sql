-- Where the whole answer to an accepted request goes, and since when one is known never to be decided.
ALTER TABLE intake ADD COLUMN notify text, ADD COLUMN failed_at timestamptz;
CREATE INDEX intake_failed ON intake (failed_at) WHERE failed_at IS NOT NULL;

-- Whoever waits for the answer hears of it with the commit that holds it.
CREATE FUNCTION tell_that_a_request_is_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('andon_over', OLD.id::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER intake_is_over AFTER DELETE OR UPDATE OF error ON intake
    FOR EACH ROW EXECUTE FUNCTION tell_that_a_request_is_over();

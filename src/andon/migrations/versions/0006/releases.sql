-- Which version of an automation's code may decide: every release is a row, and the newest of an automation holds.
CREATE TABLE releases (
    automation  text NOT NULL,
    number      integer NOT NULL CHECK (number > 0),
    version     integer NOT NULL,
    before      integer,
    released_by text NOT NULL,
    reason      text NOT NULL CHECK (reason <> ''),
    released_at timestamptz NOT NULL,
    PRIMARY KEY (automation, number),
    FOREIGN KEY (automation, version) REFERENCES automation_versions (name, number)
);

-- What was deployed last decided until now.
INSERT INTO releases (automation, number, version, before, released_by, reason, released_at)
SELECT DISTINCT ON (name) name, 1, number, NULL, deployed_by, 'It was deployed last when releases began to be kept', deployed_at
FROM automation_versions
ORDER BY name, number DESC;

CREATE FUNCTION refuse_change_of_releases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON releases
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_releases();

-- Policies by their content, published for one automation each; the text that was published first stays.
CREATE TABLE policy_versions (
    automation   text NOT NULL,
    version      text NOT NULL CHECK (version ~ '^[0-9a-f]{12}$'),
    digest       text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    text         text NOT NULL,
    published_by text NOT NULL,
    reason       text NOT NULL CHECK (reason <> ''),
    published_at timestamptz NOT NULL,
    PRIMARY KEY (automation, version)
);

-- Which of them is in force: every change is a row, and the newest of an automation holds.
CREATE TABLE policy_settings (
    automation text NOT NULL,
    number     integer NOT NULL CHECK (number > 0),
    version    text NOT NULL,
    before     text,
    set_by     text NOT NULL,
    reason     text NOT NULL CHECK (reason <> ''),
    set_at     timestamptz NOT NULL,
    PRIMARY KEY (automation, number),
    FOREIGN KEY (automation, version) REFERENCES policy_versions (automation, version)
);

CREATE FUNCTION refuse_change_of_policies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_policies();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_settings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_policies();

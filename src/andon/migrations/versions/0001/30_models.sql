-- The model registry (models): immutable versions, their files by digest, and every setting of every alias.
CREATE TABLE model_versions (
    name          text NOT NULL,
    number        integer NOT NULL CHECK (number > 0),
    digest        text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    manifest      text NOT NULL,
    trusted       boolean NOT NULL,
    registered_by text NOT NULL,
    reason        text NOT NULL CHECK (reason <> ''),
    registered_at timestamptz NOT NULL,
    PRIMARY KEY (name, number),
    UNIQUE (name, digest)
);

CREATE TABLE model_files (
    digest text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    chunk  integer NOT NULL CHECK (chunk >= 0),
    bytes  bytea NOT NULL,
    PRIMARY KEY (digest, chunk)
);
-- Model files hardly compress; without this PostgreSQL tries to.
ALTER TABLE model_files ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- The present target of an alias is its row with the highest revision.
CREATE TABLE model_aliases (
    name     text NOT NULL,
    alias    text NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    number   integer NOT NULL,
    set_by   text NOT NULL,
    reason   text NOT NULL CHECK (reason <> ''),
    set_at   timestamptz NOT NULL,
    PRIMARY KEY (name, alias, revision),
    FOREIGN KEY (name, number) REFERENCES model_versions (name, number)
);

CREATE FUNCTION refuse_change_of_models() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON model_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_models();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON model_files
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_models();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON model_aliases
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_models();

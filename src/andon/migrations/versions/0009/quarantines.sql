-- Trials of model files (andon.models): how each ended, by what runs it, so that it is tried once.
CREATE TABLE model_trials (
    digest     text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    tried_with text NOT NULL,
    passed     boolean NOT NULL,
    detail     text NOT NULL,
    tried_at   timestamptz NOT NULL,
    PRIMARY KEY (digest, tried_with)
);

-- Versions that answer nothing because they ended a process, and their releases. Rows are never changed; the newest of a version holds.
CREATE TABLE quarantines (
    name     text NOT NULL,
    number   integer NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    held     boolean NOT NULL,
    set_by   text NOT NULL,
    reason   text NOT NULL CHECK (reason <> ''),
    set_at   timestamptz NOT NULL,
    PRIMARY KEY (name, number, revision),
    FOREIGN KEY (name, number) REFERENCES model_versions (name, number)
);
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON quarantines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_models();
ALTER TABLE quarantines ENABLE ALWAYS TRIGGER immutable;

-- The audit log (audit): one hash-linked chain a writer, checkpoints over all chains. audit/encoding.py says what is hashed.
CREATE TABLE audit_entries (
    writer    uuid NOT NULL,
    seq       bigint NOT NULL CHECK (seq > 0),
    prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
    hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
    at        timestamptz NOT NULL,
    actor     text NOT NULL,
    action    text NOT NULL,
    subject   text NOT NULL,
    body      bytea NOT NULL,
    PRIMARY KEY (writer, seq)
);
CREATE INDEX audit_entries_chains ON audit_entries (writer) WHERE seq = 1;
CREATE INDEX audit_entries_at ON audit_entries (at, writer, seq);
CREATE INDEX audit_entries_changes ON audit_entries (at, seq) WHERE writer = '00000000-0000-0000-0000-000000000000';
CREATE INDEX audit_entries_subject ON audit_entries (subject, at);

CREATE TABLE audit_checkpoints (
    number    bigint PRIMARY KEY CHECK (number > 0),
    prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
    hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
    at        timestamptz NOT NULL,
    chains    bigint NOT NULL,
    entries   bigint NOT NULL
);

-- The heads that a checkpoint holds: of the chains that grew since the checkpoint before it.
CREATE TABLE audit_heads (
    writer     uuid NOT NULL,
    seq        bigint NOT NULL CHECK (seq > 0),
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
    checkpoint bigint NOT NULL,
    PRIMARY KEY (writer, seq)
);
CREATE INDEX audit_heads_checkpoint ON audit_heads (checkpoint, writer);

-- Where the control chain and the checkpoints end. Who appends locks the row, so there is one after another.
CREATE TABLE audit_tips (
    name text PRIMARY KEY,
    seq  bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO audit_tips (name, seq, hash)
VALUES ('control', 0, decode(repeat('00', 32), 'hex')), ('checkpoint', 0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % refused: the audit log is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'Nothing in it is changed or deleted. What corrects something is a new entry.';
END;
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON audit_tips
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_checkpoints ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_heads ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_tips ENABLE ALWAYS TRIGGER stays;

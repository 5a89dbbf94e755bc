CREATE TABLE attachment_contents (
    sha256  text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size    bigint NOT NULL CHECK (size = octet_length(content)),
    content bytea NOT NULL,
    kept_at timestamptz NOT NULL
);
ALTER TABLE attachment_contents ALTER COLUMN content SET STORAGE EXTERNAL;
COMMENT ON TABLE attachment_contents IS 'What hung on mails, each content once. Nothing here is opened, unpacked or run.';

CREATE TABLE attachments (
    automation text NOT NULL,
    mail       text NOT NULL,
    sha256     text NOT NULL REFERENCES attachment_contents,
    name       text NOT NULL,
    media_type text NOT NULL,
    size       bigint NOT NULL,
    kept_at    timestamptz NOT NULL,
    PRIMARY KEY (automation, mail, sha256, name)
);
COMMENT ON TABLE attachments IS 'Which content hung on which mail of an automation, under which name.';
CREATE INDEX attachments_content ON attachments (sha256);
CREATE INDEX attachments_age ON attachments (kept_at);

CREATE FUNCTION refuse_other_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the content of an attachment cannot be changed' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER attachment_contents_are_final BEFORE UPDATE ON attachment_contents
    FOR EACH ROW EXECUTE FUNCTION refuse_other_content();

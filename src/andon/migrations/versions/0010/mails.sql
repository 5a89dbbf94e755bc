CREATE TABLE mails (
    automation  text NOT NULL,
    mail        text NOT NULL CHECK (mail ~ '^[0-9a-f]{64}$'),
    message_id  text NOT NULL,
    decision_id uuid NOT NULL,
    folder      text NOT NULL,
    moves_seen  uuid[] NOT NULL DEFAULT '{}',
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (automation, mail)
);
COMMENT ON TABLE mails IS 'Which mail was decided by which decision, and in which folder it was last seen.';
COMMENT ON COLUMN mails.mail IS 'SHA-256 of what the sender wrote into the header; all copies have it.';
COMMENT ON COLUMN mails.moves_seen IS 'Actions whose move was seen, or overtaken by that of a person.';

CREATE INDEX mails_decision ON mails (decision_id);

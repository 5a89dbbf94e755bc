CREATE TABLE mail_logs (
    mailbox  text NOT NULL,
    folder   text NOT NULL,
    token    text,
    length   bigint NOT NULL DEFAULT 0 CHECK (length >= 0),
    asked_at timestamptz,
    PRIMARY KEY (mailbox, folder)
);
COMMENT ON TABLE mail_logs IS 'Folders of mail services that number no mails: up to where changes were asked for, and how many mails were found.';

CREATE TABLE logged_mails (
    mailbox    text NOT NULL,
    folder     text NOT NULL,
    position   bigint NOT NULL,
    remote_id  text NOT NULL,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (mailbox, folder, position),
    UNIQUE (mailbox, folder, remote_id),
    FOREIGN KEY (mailbox, folder) REFERENCES mail_logs
);
COMMENT ON TABLE logged_mails IS 'The mails of such a folder in the order in which they were found; append-only.';

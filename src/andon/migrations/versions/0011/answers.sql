-- Where the audit entry stands that vouches for an answer; null for answers from before there were such entries.
ALTER TABLE delivery_answers ADD COLUMN writer uuid, ADD COLUMN seq bigint;

-- Where the audit entry stands that vouches for the last end of a delivery as a dead letter.
CREATE TABLE delivery_deaths (
    message_id uuid PRIMARY KEY,
    writer     uuid NOT NULL,
    seq        bigint NOT NULL
);

-- Whether an audit entry holds the history of a procedure that has ended.
ALTER TABLE procedures ADD COLUMN entered boolean NOT NULL DEFAULT false;
CREATE INDEX procedures_to_enter ON procedures (id) WHERE NOT entered;

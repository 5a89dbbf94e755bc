-- How often a worker took an accepted request; a worker that gives it back lowers the number again.
ALTER TABLE intake ADD COLUMN attempts smallint NOT NULL DEFAULT 0;

-- A procedure is handed its decision as the ledger has it, with the outcome of a person's verdict if there was one. It has an
-- input of its own where another procedure wrote it, and where it began on a version that copied decisions.
ALTER TABLE procedures ALTER COLUMN input DROP NOT NULL, ADD COLUMN verdict text;

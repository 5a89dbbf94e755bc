-- A review names its decision (`decision_id`), which is read in the ledger; the copy held nothing that is not there.
ALTER TABLE reviews DROP COLUMN decision;

-- Most bodies are ids and digests of a batch: PostgreSQL tries to compress them, gives up at their end, and that took longer than all else here.
ALTER TABLE audit_entries ALTER COLUMN body SET STORAGE EXTERNAL;

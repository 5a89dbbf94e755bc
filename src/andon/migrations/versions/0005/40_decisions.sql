-- A request that waits in the intake holds its key as a decision does: nothing else is decided under it meanwhile.
INSERT INTO idempotency_keys (scope, key, digest, decision_id, created_at)
SELECT automation || '/' || caller, idempotency_key, sha256(raw), id, received_at
FROM intake WHERE idempotency_key IS NOT NULL AND error IS NULL
ON CONFLICT DO NOTHING;

DROP INDEX intake_key;

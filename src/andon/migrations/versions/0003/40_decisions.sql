-- A request that waited for more than 36 minutes has a latency of more microseconds than four bytes hold.
ALTER TABLE decisions ALTER COLUMN latency_us TYPE bigint;

-- Periodic work of the workers: its holder, if one worker does it, and its last result.
CREATE TABLE chores (
    name              text PRIMARY KEY,
    interval_seconds  double precision NOT NULL,
    holder            text,         -- the worker that does it; null where every worker does
    lease_until       timestamptz,  -- from then on another may take it over
    last_run_at       timestamptz,
    last_error        text,
    failed_at         timestamptz,
    failures          integer NOT NULL DEFAULT 0  -- since it last went well
) WITH (fillfactor = 50);

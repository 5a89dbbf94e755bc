-- How each process that decides is doing right now, in its own words: one row a process, renewed every two seconds.
-- Not logged: after a crash of the database the rows are gone, and written again by those who live.
CREATE UNLOGGED TABLE live_processes (
    id         uuid PRIMARY KEY,
    part       text NOT NULL,
    host       text NOT NULL,
    pid        integer NOT NULL,
    andon      text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    status     jsonb NOT NULL
);

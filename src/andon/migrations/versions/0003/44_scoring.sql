-- Runs of `andon decide`: the rows of one source through the line, to the end however often it is killed.
CREATE TABLE scoring_runs (
    id         uuid PRIMARY KEY,
    automation text NOT NULL,
    source     text NOT NULL,
    digest     text NOT NULL,
    rows       bigint NOT NULL,
    part_rows  integer NOT NULL,
    caller     text NOT NULL,
    begun_at   timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE UNIQUE INDEX scoring_runs_unfinished ON scoring_runs (automation, digest) WHERE ended_at IS NULL;

-- When each part of a run was asked for first. It is in the ids of its decisions, so that one asked again has the same id.
CREATE TABLE scoring_parts (
    run      uuid NOT NULL REFERENCES scoring_runs (id),
    number   bigint NOT NULL,
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (run, number)
);

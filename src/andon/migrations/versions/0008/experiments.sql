-- Experiments (andon.experiments): one row each; of an automation at most one runs. The first arm is what decided at its start.
CREATE TABLE experiments (
    id             uuid PRIMARY KEY,
    automation     text NOT NULL,
    number         integer NOT NULL CHECK (number > 0),
    model          text NOT NULL,
    arms           jsonb NOT NULL,
    champion       integer NOT NULL,
    in_force       text NOT NULL,
    measure        text NOT NULL,
    better         text NOT NULL CHECK (better IN ('lower', 'higher')),
    allocation     text NOT NULL CHECK (allocation IN ('fixed', 'thompson')),
    unit           text NOT NULL CHECK (unit IN ('subject', 'decision')),
    most_decisions integer CHECK (most_decisions > 0),
    until          timestamptz,
    dead_man       interval NOT NULL,
    four_eyes      boolean NOT NULL,
    shares         jsonb NOT NULL,  -- percent of each arm, in their order
    allocated_at   timestamptz NOT NULL,
    state          text NOT NULL CHECK (state IN ('running', 'decided', 'undecided', 'stopped', 'adopted')),
    split          integer NOT NULL,
    before         jsonb NOT NULL,  -- the shadows that looked on before, who look on again when it is over
    started_by     text NOT NULL,
    reason         text NOT NULL CHECK (reason <> ''),
    created_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    ended_by       text,
    why            text NOT NULL,
    winner         text,
    seen           bigint NOT NULL,
    UNIQUE (automation, number),
    CHECK ((ended_at IS NULL) = (state = 'running')),
    CHECK ((winner IS NOT NULL) = (state IN ('decided', 'adopted')))
);
CREATE UNIQUE INDEX experiments_open ON experiments (automation) WHERE ended_at IS NULL;
CREATE INDEX experiments_newest ON experiments (created_at DESC);

-- What happened to an experiment: who, why, the state before and after, and the shares from then on. Rows are never changed.
CREATE TABLE experiment_events (
    experiment   uuid NOT NULL REFERENCES experiments,
    number       integer NOT NULL,
    at           timestamptz NOT NULL,
    kind         text NOT NULL,
    state_before text,
    state_after  text NOT NULL,
    shares       jsonb NOT NULL,
    made_by      text NOT NULL,
    reason       text NOT NULL CHECK (reason <> ''),
    evidence     jsonb NOT NULL,
    PRIMARY KEY (experiment, number)
);
CREATE FUNCTION refuse_change_of_experiment_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON experiment_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_experiment_events();
ALTER TABLE experiment_events ENABLE ALWAYS TRIGGER immutable;

-- What an experiment has counted: sums for each arm, evidence for each pair of arms, and the path of the estimates.
CREATE TABLE experiment_estimates (
    experiment uuid PRIMARY KEY REFERENCES experiments,
    body       jsonb NOT NULL
) WITH (fillfactor = 50);

-- Units (accounts) that were counted: each counts once in each list. Emptied when the experiment is over.
CREATE TABLE experiment_units (
    experiment uuid NOT NULL,
    list       text NOT NULL,
    unit       bytea NOT NULL,
    PRIMARY KEY (experiment, list, unit)
);

-- Decisions of running experiments whose labels changed; the transaction of the label writes it, so that none is missed.
CREATE TABLE experiment_labels (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment  uuid NOT NULL,
    decision_id uuid NOT NULL,
    due_at      timestamptz NOT NULL
);
CREATE INDEX experiment_labels_due ON experiment_labels (experiment, due_at);

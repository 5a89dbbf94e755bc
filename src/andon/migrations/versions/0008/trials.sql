-- Splits (andon.serving): `unit` says what is drawn into a bucket, the subject of the input or the single decision.
ALTER TABLE traffic_splits
    ADD COLUMN unit text NOT NULL DEFAULT 'subject' CHECK (unit IN ('subject', 'decision'));

-- Leases of split traffic: after `expires_at` the candidates of the split get no traffic. Gateways hold it in their snapshot.
CREATE TABLE traffic_leases (
    automation text PRIMARY KEY,
    split      integer NOT NULL,
    holder     text NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Shadow predictions (andon.serving) name the transaction that wrote them: a reader that stops before the oldest one
-- under way misses none, however late it commits.
ALTER TABLE shadow_predictions ADD COLUMN written_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint;
CREATE INDEX shadow_predictions_written ON shadow_predictions (automation, arm, written_in);

-- Trials (andon.trials): rollouts and experiments, one row each; of an automation at most one is open. The first arm is what
-- decided at its start. `own` holds what only that kind has: a plan and its stage, or a measure and its shares.
CREATE TABLE trials (
    id             uuid PRIMARY KEY,
    kind           text NOT NULL CHECK (kind IN ('rollout', 'experiment')),
    automation     text NOT NULL,
    number         integer NOT NULL CHECK (number > 0),
    model          text NOT NULL,
    arms           jsonb NOT NULL,
    champion       integer NOT NULL,
    in_force       text NOT NULL,
    unit           text NOT NULL CHECK (unit IN ('subject', 'decision')),
    dead_man       interval NOT NULL,
    four_eyes      boolean NOT NULL,
    state          text NOT NULL CHECK (state IN ('awaiting_approval', 'running', 'paused', 'promoted', 'aborted',
        'rolled_back', 'completed', 'decided', 'undecided', 'stopped', 'adopted')),
    split          integer NOT NULL,
    shadows_before jsonb NOT NULL,  -- the shadows that looked on before, who look on again when it is over
    started_by     text NOT NULL,
    reason         text NOT NULL CHECK (reason <> ''),
    created_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    ended_by       text,
    why            text NOT NULL,
    seen           bigint NOT NULL,
    own            jsonb NOT NULL,
    UNIQUE (kind, automation, number),
    CHECK ((ended_at IS NULL) = (state IN ('awaiting_approval', 'running', 'paused')))
);
CREATE UNIQUE INDEX trials_open ON trials (automation) WHERE ended_at IS NULL;
CREATE INDEX trials_newest ON trials (kind, created_at DESC);

-- What happened to a trial: who, why, the state before and after, and what else its kind says. Rows are never changed.
CREATE TABLE trial_events (
    trial        uuid NOT NULL REFERENCES trials,
    number       integer NOT NULL,
    at           timestamptz NOT NULL,
    kind         text NOT NULL,
    state_before text,
    state_after  text NOT NULL,
    by           text NOT NULL,
    reason       text NOT NULL CHECK (reason <> ''),
    evidence     jsonb NOT NULL,
    own          jsonb NOT NULL,
    PRIMARY KEY (trial, number)
);
CREATE FUNCTION refuse_change_of_trial_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON trial_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_trial_events();
ALTER TABLE trial_events ENABLE ALWAYS TRIGGER immutable;

-- What a trial has counted: each guardrail of a rollout, the estimates of an experiment, and how far cases are read.
CREATE TABLE trial_counts (
    trial uuid NOT NULL REFERENCES trials,
    name  text NOT NULL,
    body  jsonb NOT NULL,
    PRIMARY KEY (trial, name)
) WITH (fillfactor = 50);

-- Units (accounts, or decisions) that were counted: each counts once in each list. Emptied when the trial is over.
CREATE TABLE trial_units (
    trial uuid NOT NULL,
    list  text NOT NULL,
    unit  bytea NOT NULL,
    PRIMARY KEY (trial, list, unit)
);

-- Decisions of open trials whose labels changed; the transaction of the label writes it, so that none is missed.
CREATE TABLE trial_labels (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trial       uuid NOT NULL,
    decision_id uuid NOT NULL,
    due_at      timestamptz NOT NULL
);
CREATE INDEX trial_labels_due ON trial_labels (trial, due_at);

-- Decisions on which the arms of a trial predict otherwise, one for each unit. Of those that nobody looks at anyway a person is asked
-- which class is right, under a `key`; the answer counts at `due_at`, and `told` says that it has. Rows with a key stay until the trial
-- is over and its open questions are withdrawn.
CREATE TABLE trial_questions (
    trial       uuid NOT NULL,
    unit        bytea NOT NULL,
    decision_id uuid NOT NULL,
    key         uuid,
    due_at      timestamptz NOT NULL,
    told        boolean NOT NULL DEFAULT false,
    PRIMARY KEY (trial, unit),
    UNIQUE (trial, decision_id)
);

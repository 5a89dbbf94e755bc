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

-- Rollouts (andon.rollouts): one row each; of an automation at most one is open.
CREATE TABLE rollouts (
    id            uuid PRIMARY KEY,
    automation    text NOT NULL,
    number        integer NOT NULL CHECK (number > 0),
    model         text NOT NULL,
    version       integer NOT NULL,
    policy        text NOT NULL,
    champion      integer NOT NULL,
    in_force      text NOT NULL,
    plan          jsonb NOT NULL,
    state         text NOT NULL
        CHECK (state IN ('awaiting_approval', 'running', 'paused', 'promoted', 'aborted', 'rolled_back', 'completed')),
    stage         integer NOT NULL CHECK (stage >= 0),
    stage_at      timestamptz NOT NULL,
    split         integer NOT NULL,
    before        jsonb NOT NULL,  -- the shadows that looked on before, who look on again when it is over
    started_by    text NOT NULL,
    reason        text NOT NULL CHECK (reason <> ''),
    created_at    timestamptz NOT NULL,
    approved_by   text,
    ended_at      timestamptz,
    ended_by      text,
    why           text NOT NULL,
    shadowed_to   bigint NOT NULL,  -- the transaction up to which the candidate's shadow predictions were counted
    seen          bigint NOT NULL,
    UNIQUE (automation, number),
    CHECK ((ended_at IS NOT NULL) = (state IN ('promoted', 'aborted', 'rolled_back', 'completed')))
);
CREATE UNIQUE INDEX rollouts_open ON rollouts (automation) WHERE ended_at IS NULL;
CREATE INDEX rollouts_newest ON rollouts (created_at DESC);

-- What happened to a rollout: who, why, and the state and stage before and after. Rows are never changed.
CREATE TABLE rollout_events (
    rollout      uuid NOT NULL REFERENCES rollouts,
    number       integer NOT NULL,
    at           timestamptz NOT NULL,
    kind         text NOT NULL,
    state_before text,
    state_after  text NOT NULL,
    stage_before integer,
    stage_after  integer NOT NULL,
    made_by      text NOT NULL,
    reason       text NOT NULL CHECK (reason <> ''),
    evidence     jsonb NOT NULL,
    PRIMARY KEY (rollout, number)
);
CREATE FUNCTION refuse_change_of_rollout_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON rollout_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_rollout_events();
ALTER TABLE rollout_events ENABLE ALWAYS TRIGGER immutable;

-- What each guardrail of a rollout has counted, how strong its evidence is, and the path of that so far.
CREATE TABLE rollout_tests (
    rollout   uuid NOT NULL REFERENCES rollouts,
    guardrail text NOT NULL,
    body      jsonb NOT NULL,
    PRIMARY KEY (rollout, guardrail)
) WITH (fillfactor = 50);

-- Units (accounts, or decisions) that a guardrail has counted: each counts once. Emptied when the rollout is over.
CREATE TABLE rollout_units (
    rollout   uuid NOT NULL,
    guardrail text NOT NULL,
    unit      bytea NOT NULL,
    PRIMARY KEY (rollout, guardrail, unit)
);

-- Decisions of open rollouts whose labels changed; the transaction of the label writes it, so that none is missed.
CREATE TABLE rollout_labels (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rollout     uuid NOT NULL,
    decision_id uuid NOT NULL,
    due_at      timestamptz NOT NULL
);
CREATE INDEX rollout_labels_due ON rollout_labels (rollout, due_at);

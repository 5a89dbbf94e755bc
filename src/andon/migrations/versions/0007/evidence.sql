-- The evidence stream (andon.evidence): decisions that somebody looks at, judged at a fixed age. All but the queues can be computed
-- again from labels and ledger.

-- Decisions whose labels changed, so that each is looked at once more.
CREATE TABLE evidence_relabelled (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    decision_id uuid NOT NULL
);
INSERT INTO evidence_relabelled (decision_id) SELECT DISTINCT decision_id FROM labels;

CREATE FUNCTION labels_are_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO evidence_relabelled (decision_id) SELECT DISTINCT decision_id FROM added;
    RETURN NULL;
END
$$;
CREATE TRIGGER labels_to_evidence AFTER INSERT ON labels
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION labels_are_evidence();

-- Positions of cases that reached their age and of verdicts, in the order of reading; one transaction at a time takes them.
CREATE SEQUENCE evidence_positions;

-- A decision with a prediction that a person reviews, that was drawn for a blind audit, or whose truth comes from outside. With
-- `complete`, silence is a label of all decisions like it. `looked` ones were chosen before anybody knew the verdict. At `due_at`
-- the case gets its position, and `actual` becomes the class known by that age (NULL if still open); `floor` is the least probability
-- with which any decision of the line was looked at then, `part_floor` the same in its segment (both 0 if some never were). `weight`
-- and `stands` are set for all cases of a subject in the interval from `since` when the first of them is due: how many cases, in
-- units of the least likely one, the chosen one stands for, and the factor of its floor; both are 0 for the others.
CREATE TABLE evidence_cases (
    decision_id uuid PRIMARY KEY,
    position    bigint UNIQUE,
    automation  text NOT NULL,
    arm         text NOT NULL,
    proven_arm  text NOT NULL GENERATED ALWAYS AS (split_part(arm, '~', 1)) STORED,
    segment     jsonb NOT NULL,
    subject     bytea,
    since       timestamptz NOT NULL,
    outcome     text NOT NULL,
    predicted   text NOT NULL,
    confidence  double precision NOT NULL,
    propensity  double precision NOT NULL CHECK (propensity > 0 AND propensity <= 1),
    revision    integer NOT NULL,
    supervised  boolean NOT NULL,
    automatic   boolean NOT NULL,
    audited     boolean NOT NULL,
    gated       boolean NOT NULL,
    looked      boolean NOT NULL,
    complete    boolean NOT NULL,
    decided_at  timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    actual      text,
    floor       double precision CHECK (floor >= 0 AND floor <= propensity),
    part_floor  double precision CHECK (part_floor >= 0 AND part_floor <= propensity),
    weight      double precision CHECK (weight >= 0),
    stands      double precision CHECK (stands >= 0)
);
CREATE INDEX evidence_cases_due ON evidence_cases (due_at, decision_id) WHERE position IS NULL;
CREATE INDEX evidence_cases_of_arm ON evidence_cases (automation, arm, position);
CREATE INDEX evidence_cases_proven ON evidence_cases (automation, proven_arm, position);
CREATE INDEX evidence_cases_of_subject ON evidence_cases (automation, subject, since);
CREATE INDEX evidence_cases_outside ON evidence_cases (automation, proven_arm) WHERE automatic AND NOT looked;
CREATE INDEX evidence_cases_weighed ON evidence_cases (automation, proven_arm, since) WHERE stands > 0;

-- The newest verdict of a looked-at decision, as soon as it is known.
CREATE TABLE evidence_verdicts (
    decision_id uuid PRIMARY KEY,
    position    bigint NOT NULL UNIQUE,
    automation  text NOT NULL,
    proven_arm  text NOT NULL,
    actual      text NOT NULL,
    floor       double precision NOT NULL CHECK (floor > 0),
    part_floor  double precision NOT NULL CHECK (part_floor > 0),
    known_at    timestamptz NOT NULL
);
CREATE INDEX evidence_verdicts_of_arm ON evidence_verdicts (automation, proven_arm, position);

-- The arms with cases: the newest position, and how often cases changed after their age.
CREATE TABLE evidence_arms (
    automation  text NOT NULL,
    arm         text NOT NULL,
    newest      bigint NOT NULL DEFAULT 0,
    corrections bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (automation, arm)
);

-- How many decisions had which confidence: `level` counts the model's thresholds that it reached. It is -1 where the policy asks a
-- person however certain the prediction is.
CREATE TABLE evidence_traffic (
    automation text NOT NULL,
    arm        text NOT NULL,
    day        date NOT NULL,
    segment    jsonb NOT NULL,
    predicted  text NOT NULL,
    level      integer NOT NULL,
    decisions  bigint NOT NULL,
    PRIMARY KEY (automation, arm, day, segment, predicted, level)
);

-- How much was decided automatically under a gate revision, and the least probability of an audit of it. `unheard` decisions are
-- those whose silence says nothing, so that only audits tell of them.
CREATE TABLE evidence_slices (
    automation    text NOT NULL,
    arm           text NOT NULL,
    day           date NOT NULL,
    segment       jsonb NOT NULL,
    gate_revision integer NOT NULL,
    decisions     bigint NOT NULL,
    automatic     bigint NOT NULL,
    least_audit   double precision,
    least_unheard double precision,
    PRIMARY KEY (automation, arm, day, segment, gate_revision)
);

-- How far the matured decisions of an automation were looked at whose silence is a label.
CREATE TABLE evidence_sweeps (
    automation text PRIMARY KEY,
    upto       uuid,
    swept_to   timestamptz NOT NULL
);

-- Decisions that a tally could not count because of a fault, kept until it can; the other tallies went on.
CREATE TABLE evidence_held (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tally       text NOT NULL,
    ids         uuid[] NOT NULL,
    automations text[] NOT NULL
);
CREATE INDEX evidence_held_of_tally ON evidence_held (tally, id);

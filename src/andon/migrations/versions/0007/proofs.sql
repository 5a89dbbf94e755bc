-- Proofs of risk gates from labels (andon.proofs). Everything here but the queue can be computed again from labels and ledger.

-- Decisions whose labels changed, so that each is looked at once more; `due_at` is later for labels that are not mature yet.
CREATE TABLE proof_pending (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    decision_id uuid NOT NULL,
    due_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX proof_pending_due ON proof_pending (due_at, id);
INSERT INTO proof_pending (decision_id) SELECT DISTINCT decision_id FROM labels;

CREATE FUNCTION labels_are_to_be_proven() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO proof_pending (decision_id) SELECT DISTINCT decision_id FROM added;
    RETURN NULL;
END
$$;
CREATE TRIGGER labels_to_proofs AFTER INSERT ON labels
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION labels_are_to_be_proven();

-- What one decision says about the gate: the class predicted and the true one, and how likely it was that anybody looked.
-- `floor` is the least probability with which any decision of the line was looked at then, `part_floor` the same in its segment.
CREATE TABLE proof_evidence (
    decision_id uuid PRIMARY KEY,
    position    bigint GENERATED ALWAYS AS IDENTITY,
    automation  text NOT NULL,
    arm         text NOT NULL,
    segment     jsonb NOT NULL,
    predicted   text NOT NULL,
    actual      text NOT NULL,
    confidence  double precision NOT NULL,
    propensity  double precision NOT NULL CHECK (propensity > 0 AND propensity <= 1),
    floor       double precision NOT NULL CHECK (floor > 0 AND floor <= propensity),
    part_floor  double precision NOT NULL CHECK (part_floor > 0 AND part_floor <= propensity),
    automatic   boolean NOT NULL,
    audited     boolean NOT NULL,
    counted_at  timestamptz NOT NULL
);
CREATE INDEX proof_evidence_order ON proof_evidence (automation, arm, position);

-- How many decisions had which confidence: `level` counts the model's thresholds that it reached. It is -1 where the policy asks a
-- person however certain the prediction is.
CREATE TABLE proof_traffic (
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
CREATE TABLE proof_slices (
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

-- The prover of each series: its state after the evidence up to a position, and what it proved then.
CREATE TABLE proof_states (
    automation  text NOT NULL,
    arm         text NOT NULL,
    segment     jsonb NOT NULL,
    predicted   text NOT NULL,
    bound       jsonb NOT NULL,
    state       jsonb NOT NULL,
    upto        bigint NOT NULL,
    proof       jsonb NOT NULL,
    labelled_at timestamptz,
    proven_at   timestamptz NOT NULL,
    PRIMARY KEY (automation, arm, segment, predicted)
);

-- Arms whose evidence was changed, so that their provers begin anew; `position` is the first that counts.
CREATE TABLE proof_anew (
    automation text NOT NULL,
    arm        text NOT NULL,
    PRIMARY KEY (automation, arm)
);

-- How far the matured decisions of an automation were looked at whose silence is a label.
CREATE TABLE proof_sweeps (
    automation text PRIMARY KEY,
    upto       uuid,
    swept_to   timestamptz NOT NULL
);

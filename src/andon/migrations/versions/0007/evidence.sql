-- The evidence stream (andon.evidence): decisions that somebody looks at, judged at a fixed age. It can be computed again
-- from labels and ledger.

-- Positions rise in the order in which cases reach their age; one transaction at a time takes them.
CREATE SEQUENCE evidence_positions;

-- One decision with a prediction that a person reviews, that was drawn for a blind audit, or whose truth comes from outside.
-- `looked` ones were chosen before anybody knew the verdict. Until `due_at` the last columns are NULL; then `actual` is the
-- class known by that age (NULL if still open), `floor` the least probability with which any decision of the line was looked at
-- then, `part_floor` the same in its segment (both 0 if some never were), and `weight` the share of its subject's cases in the
-- interval from `since` that it stands for (0 if another one stands for it).
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
    decided_at  timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    actual      text,
    floor       double precision CHECK (floor >= 0 AND floor <= propensity),
    part_floor  double precision CHECK (part_floor >= 0 AND part_floor <= propensity),
    weight      double precision CHECK (weight >= 0)
);
CREATE INDEX evidence_cases_due ON evidence_cases (due_at, decision_id) WHERE position IS NULL;
CREATE INDEX evidence_cases_of_arm ON evidence_cases (automation, arm, position);
CREATE INDEX evidence_cases_proven ON evidence_cases (automation, proven_arm, position);
CREATE INDEX evidence_cases_of_subject ON evidence_cases (automation, subject, since) WHERE subject IS NOT NULL;

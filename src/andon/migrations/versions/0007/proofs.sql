-- Proofs of risk gates from the evidence stream (andon.proofs). Everything here can be computed again from it.

-- The prover of each series: its state after the cases up to a position, and what it proved then.
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

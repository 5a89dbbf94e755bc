-- Rollouts (andon.rollouts): the threshold of the candidate's own gate; null for one that has none. Splits name it in the
-- candidate ("8~0.93", "8+3f2a9c01d2e4~0.93"), decisions in their arm.
ALTER TABLE rollouts ADD COLUMN gate double precision CHECK (gate >= 0 AND gate <= 2);

-- Gates of segments and of predicted classes, and revisions that live labels prove. `segment` {} is the whole line, `predicted` ''
-- all classes. `held_out` are the held-out rows by confidence, with which proofs of an arm begin.
ALTER TABLE gate_revisions
    ADD COLUMN segment   jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(segment) = 'object'),
    ADD COLUMN predicted text  NOT NULL DEFAULT '',
    ADD COLUMN held_out  jsonb,
    DROP CONSTRAINT gate_revisions_origin_check,
    ADD CONSTRAINT gate_revisions_origin_check CHECK (origin IN ('held_out', 'live', 'person'));
DROP INDEX gate_revisions_arm;
CREATE INDEX gate_revisions_series ON gate_revisions (automation, arm, revision DESC);
CREATE INDEX gate_revisions_by_people ON gate_revisions (automation, arm) WHERE origin = 'person';

-- The newest revision of each series and origin. Gateways read these and those of people, never the whole history.
CREATE TABLE gate_pointers (
    automation text NOT NULL,
    arm        text NOT NULL,
    segment    jsonb NOT NULL,
    predicted  text NOT NULL,
    origin     text NOT NULL CHECK (origin IN ('held_out', 'live')),
    revision   integer NOT NULL,
    PRIMARY KEY (automation, arm, segment, predicted, origin),
    FOREIGN KEY (automation, revision) REFERENCES gate_revisions (automation, revision)
);
INSERT INTO gate_pointers
SELECT automation, arm, segment, predicted, origin, max(revision) FROM gate_revisions WHERE origin = 'held_out'
GROUP BY automation, arm, segment, predicted, origin;

-- Splits belong to an automation. Each split of a model becomes one for every automation that uses it, with its history.
-- `salt` says how accounts are drawn: those of a split that was made before stay where they are.
CREATE TABLE automation_splits (
    automation text NOT NULL,
    number     integer NOT NULL CHECK (number > 0),
    model      text NOT NULL,   -- whose versions it names: where the automation uses another model, nothing is split
    salt       text NOT NULL,
    shares     jsonb NOT NULL,  -- percent by candidate: "8" by the policy in force, "8+3f2a9c01d2e4" by a policy of its own
    shadows    jsonb NOT NULL,
    places     jsonb NOT NULL,  -- the buckets of each candidate, as [first, end) pairs: an account is drawn into one of 10,000
    set_by     text NOT NULL,
    reason     text NOT NULL,
    set_at     timestamptz NOT NULL,
    PRIMARY KEY (automation, number)
);
INSERT INTO automation_splits (automation, number, model, salt, shares, shadows, places, set_by, reason, set_at)
SELECT used.name, split.number, split.endpoint, split.endpoint, split.shares,
       (SELECT coalesce(jsonb_agg(one.value #>> '{}'), '[]') FROM jsonb_array_elements(split.shadows) AS one),
       split.places, split.set_by, split.reason, split.set_at
FROM traffic_splits AS split
JOIN (
    SELECT DISTINCT ON (name) name, description ->> 'model' AS model FROM automation_versions ORDER BY name, number DESC
) AS used ON used.model = split.endpoint;
DROP TABLE traffic_splits;
ALTER TABLE automation_splits RENAME TO traffic_splits;
ALTER INDEX automation_splits_pkey RENAME TO traffic_splits_pkey;

-- A shadow is an arm of one automation, too: the decision beside it says of which, and by which policy.
ALTER TABLE shadow_predictions ADD COLUMN automation text, ADD COLUMN arm text;
UPDATE shadow_predictions AS shadow
SET automation = decision.automation,
    arm = shadow.endpoint || '@' || shadow.model_version || '+' || decision.policy_version
FROM decisions AS decision WHERE decision.id = shadow.decision_id;
UPDATE shadow_predictions SET automation = '', arm = endpoint || '@' || model_version WHERE automation IS NULL;
ALTER TABLE shadow_predictions
    ALTER COLUMN automation SET NOT NULL,
    ALTER COLUMN arm SET NOT NULL,
    DROP CONSTRAINT shadow_predictions_pkey,
    ADD PRIMARY KEY (decision_id, arm);
DROP INDEX shadow_predictions_recent;
CREATE INDEX shadow_predictions_recent ON shadow_predictions (automation, arm, predicted_at);

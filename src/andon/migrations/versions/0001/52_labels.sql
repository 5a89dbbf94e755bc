-- What turned out to be true of a decision (andon.labels). Only grows: a correction is a further label.
CREATE TABLE labels (
    id          uuid PRIMARY KEY,
    decision_id uuid NOT NULL,
    automation  text NOT NULL,
    value       text NOT NULL,
    source      text NOT NULL CHECK (source IN ('review', 'event', 'blind_audit')),
    weight      double precision NOT NULL CHECK (weight > 0),
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX labels_decision ON labels (decision_id, id);
CREATE INDEX labels_automation ON labels (automation, id);

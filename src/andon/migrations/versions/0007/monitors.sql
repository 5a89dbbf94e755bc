-- Monitors (andon.monitors): what the feed's consumer added up, and what each series was judged to be.

-- Hours of an arm, and whole days of long ago. `body` holds counts that add up; `span_hours` is 1 or 24.
CREATE TABLE monitor_windows (
    automation text NOT NULL,
    arm        text NOT NULL,
    starts_at  timestamptz NOT NULL,
    span_hours integer NOT NULL CHECK (span_hours IN (1, 24)),
    model      text NOT NULL,
    version    integer NOT NULL,
    decisions  bigint NOT NULL,
    body       json NOT NULL,
    PRIMARY KEY (automation, starts_at, arm)
) WITH (fillfactor = 50);

-- Five minutes of an automation: how many decisions there were, and how many of them kept the service level.
CREATE TABLE monitor_slots (
    automation text NOT NULL,
    starts_at  timestamptz NOT NULL,
    decisions  bigint NOT NULL,
    met        bigint NOT NULL,
    PRIMARY KEY (automation, starts_at)
) WITH (fillfactor = 50);
CREATE INDEX monitor_slots_age ON monitor_slots (starts_at);

-- Hours whose labels changed, one row a change; the transaction of the label writes it, so that none is missed.
CREATE TABLE monitor_label_changes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    automation text NOT NULL,
    starts_at  timestamptz NOT NULL
);

-- What labels say about the decisions of an hour, computed anew whenever one of them changes.
CREATE TABLE monitor_label_windows (
    automation text NOT NULL,
    arm        text NOT NULL,
    starts_at  timestamptz NOT NULL,
    labels     bigint NOT NULL,
    body       json NOT NULL,
    PRIMARY KEY (automation, starts_at, arm)
);

-- How far each automation is: until when its windows were judged, and until when the labels of its hours were mature.
CREATE TABLE monitor_progress (
    automation     text PRIMARY KEY,
    judged_until   timestamptz,
    matured_until  timestamptz
);

-- Detectors that follow an arm decision by decision. `rhythm` changes once an hour; `pending` was not taken yet.
CREATE TABLE monitor_detectors (
    automation text NOT NULL,
    arm        text NOT NULL,
    model      text NOT NULL,
    version    integer NOT NULL,
    state      bytea NOT NULL,
    rhythm     bytea NOT NULL,
    pending    json NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (automation, arm)
) WITH (fillfactor = 50);
ALTER TABLE monitor_detectors ALTER COLUMN state SET STORAGE EXTERNAL, ALTER COLUMN rhythm SET STORAGE EXTERNAL;

-- What each series of an arm is now; `arm` is empty where it concerns all. A change of `state` is published in the transaction that writes it.
CREATE TABLE monitor_states (
    automation  text NOT NULL,
    monitor     text NOT NULL,
    series      text NOT NULL,
    arm         text NOT NULL,
    segment     text NOT NULL,
    state       text NOT NULL CHECK (state IN ('good', 'warning', 'critical', 'silent')),
    reason      text NOT NULL,
    since       timestamptz NOT NULL,
    judged_at   timestamptz NOT NULL,
    figures     json NOT NULL,
    provisional boolean NOT NULL,
    PRIMARY KEY (automation, monitor, series, arm, segment)
);

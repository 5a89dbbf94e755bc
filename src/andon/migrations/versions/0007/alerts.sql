-- Alerts (andon.alerts): one row for what is wrong in one place, from its first finding until it is resolved; then it stays as it is.
-- The findings of a monitor in one arm and segment share a row, which has no series; elsewhere a series has rows of its own.
CREATE TABLE alerts (
    id              uuid PRIMARY KEY,
    automation      text NOT NULL,
    monitor         text NOT NULL,
    series          text NOT NULL,
    segment         jsonb NOT NULL,
    arm             text NOT NULL,
    level           text NOT NULL CHECK (level IN ('warning', 'critical')),
    raised_at       timestamptz NOT NULL,
    done            text[] NOT NULL,
    ends_at         timestamptz,
    alert_group     uuid NOT NULL,
    incident        uuid,
    drill           uuid,
    changed         boolean NOT NULL,
    sent_at         timestamptz,
    acknowledged_by text,
    acknowledged_at timestamptz,
    resolved_by     text,
    resolved_at     timestamptz,
    resolution      text
);
CREATE UNIQUE INDEX alerts_open ON alerts (automation, monitor, series, segment, arm, drill) NULLS NOT DISTINCT
    WHERE resolved_at IS NULL;
CREATE INDEX alerts_group ON alerts (alert_group);
CREATE INDEX alerts_incident ON alerts (incident) WHERE incident IS NOT NULL;
CREATE INDEX alerts_ending ON alerts (ends_at) WHERE resolved_at IS NULL AND ends_at IS NOT NULL;

-- What was found, one row a series of an alert; ended_at is when it recovered.
CREATE TABLE alert_findings (
    alert        uuid NOT NULL,
    series       text NOT NULL,
    level        text NOT NULL CHECK (level IN ('warning', 'critical')),
    provisional  boolean NOT NULL,
    since        timestamptz NOT NULL,
    found_at     timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    count        integer NOT NULL CHECK (count > 0),
    message      text NOT NULL,
    expected     double precision,
    observed     double precision,
    unit         text NOT NULL,
    false_alarm  double precision,
    decisions    bigint NOT NULL,
    detail       jsonb NOT NULL,
    ended_at     timestamptz,
    PRIMARY KEY (alert, series)
);

-- Alerts of one automation that were raised shortly after one another, and when they are to be sent.
CREATE TABLE alert_groups (
    id         uuid PRIMARY KEY,
    automation text NOT NULL,
    opened_at  timestamptz NOT NULL,
    joined_at  timestamptz NOT NULL,
    drill      uuid,
    due_at     timestamptz,
    sent_at    timestamptz
);
CREATE INDEX alert_groups_due ON alert_groups (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX alert_groups_newest ON alert_groups (automation, joined_at DESC);

-- Silences: alerts that fit are kept and shown, not sent. A part that is NULL fits everything.
CREATE TABLE alert_silences (
    id         uuid PRIMARY KEY,
    automation text,
    monitor    text,
    series     text,
    segment    jsonb,
    reason     text NOT NULL CHECK (reason <> ''),
    made_by    text NOT NULL,
    made_at    timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    ended_by   text,
    ended_at   timestamptz
);
CREATE INDEX alert_silences_end ON alert_silences (ends_at);

-- Incidents: one at a time for each automation, from the first critical alert until a person states the cause.
CREATE TABLE incidents (
    id          uuid PRIMARY KEY,
    automation  text NOT NULL,
    title       text NOT NULL,
    detected_at timestamptz NOT NULL,
    opened_at   timestamptz NOT NULL,
    opened_by   text NOT NULL,
    owner       text,
    held        boolean NOT NULL,
    restored_at timestamptz,
    cause       text,
    ended_by    text,
    ended_at    timestamptz
);
CREATE UNIQUE INDEX incidents_open ON incidents (automation) WHERE ended_at IS NULL;
CREATE INDEX incidents_newest ON incidents (id DESC);

-- What happened to alerts and incidents, in order. Rows are never changed.
CREATE TABLE alert_notes (
    id       uuid PRIMARY KEY,
    number   bigint GENERATED ALWAYS AS IDENTITY,
    at       timestamptz NOT NULL,
    alert    uuid,
    incident uuid,
    kind     text NOT NULL,
    made_by  text NOT NULL,
    message  text NOT NULL
);
CREATE INDEX alert_notes_alert ON alert_notes (alert, id) WHERE alert IS NOT NULL;
CREATE INDEX alert_notes_incident ON alert_notes (incident, id) WHERE incident IS NOT NULL;
CREATE FUNCTION refuse_change_of_alert_notes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON alert_notes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_alert_notes();

-- Rules that pull the cord, added by people beside those that an automation declares.
CREATE TABLE cord_rules (
    id         uuid PRIMARY KEY,
    automation text NOT NULL,
    monitor    text NOT NULL,
    level      text NOT NULL CHECK (level IN ('warning', 'critical')),
    state      text NOT NULL CHECK (state IN ('supervised', 'stopped')),
    segment    boolean NOT NULL,
    added_by   text NOT NULL,
    added_at   timestamptz NOT NULL,
    reason     text NOT NULL CHECK (reason <> ''),
    removed_by text,
    removed_at timestamptz
);
CREATE INDEX cord_rules_present ON cord_rules (automation) WHERE removed_at IS NULL;

-- Pulls that a rule made: which alert, which change of which segment, and when it was released.
CREATE TABLE cord_pulls (
    automation  text NOT NULL,
    number      integer NOT NULL,
    segment     jsonb NOT NULL,
    alert       uuid NOT NULL,
    rule        text NOT NULL,
    pulled_at   timestamptz NOT NULL,
    released_at timestamptz,
    PRIMARY KEY (automation, number)
);

-- Drills: an alert made up, its way to the cord of a segment that no input belongs to, and how long each part took.
CREATE TABLE cord_drills (
    id          uuid PRIMARY KEY,
    automation  text NOT NULL,
    asked_by    text NOT NULL,
    reason      text NOT NULL CHECK (reason <> ''),
    began_at    timestamptz NOT NULL,
    pulled_at   timestamptz,
    followed_at timestamptz,
    ended_at    timestamptz,
    passed      boolean,
    result      text
);
CREATE UNIQUE INDEX cord_drills_open ON cord_drills (automation) WHERE ended_at IS NULL;
CREATE INDEX cord_drills_newest ON cord_drills (automation, began_at DESC);

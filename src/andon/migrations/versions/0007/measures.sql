-- Business measures (andon.measures): sums by day, arm and segment; what of them may still change, decision by decision; what
-- other systems reported; and which decisions are to be measured again.
CREATE TABLE measure_sums (
    automation text NOT NULL,
    measure    text NOT NULL,
    unit       text NOT NULL,
    day        date NOT NULL,
    arm        text NOT NULL,
    segment    jsonb NOT NULL,
    decisions  bigint NOT NULL,
    counted    bigint NOT NULL,
    total      numeric NOT NULL,
    PRIMARY KEY (automation, day, measure, unit, arm, segment)
);
CREATE TABLE measure_values (
    decision_id uuid NOT NULL,
    measure     text NOT NULL,
    value       numeric NOT NULL,
    PRIMARY KEY (decision_id, measure)
);
CREATE TABLE measure_recounts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    due_at     timestamptz NOT NULL,
    decisions  uuid[] NOT NULL
);
CREATE INDEX measure_recounts_due ON measure_recounts (due_at);
CREATE TABLE measure_reports (
    id          uuid PRIMARY KEY,
    decision_id uuid NOT NULL,
    automation  text NOT NULL,
    measure     text NOT NULL,
    value       numeric NOT NULL,
    reported_by text NOT NULL,
    known_at    timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX measure_reports_decision ON measure_reports (decision_id);
CREATE FUNCTION refuse_change_of_measure_reports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % refused: a later report takes its place', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON measure_reports
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_measure_reports();
CREATE INDEX automation_versions_measured ON automation_versions (name) WHERE description ? 'measures';

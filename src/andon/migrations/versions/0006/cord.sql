-- The states of lines and of segments of them (andon.cord). Every pull and release is a row; the newest of a segment holds.
CREATE TABLE line_states (
    automation text NOT NULL,
    number     integer NOT NULL CHECK (number > 0),
    segment    jsonb NOT NULL,
    before     text NOT NULL CHECK (before IN ('automatic', 'supervised', 'stopped')),
    after      text NOT NULL CHECK (after IN ('automatic', 'supervised', 'stopped') AND after <> before),
    set_by     text NOT NULL,
    reason     text NOT NULL CHECK (reason <> ''),
    set_at     timestamptz NOT NULL,
    PRIMARY KEY (automation, number)
);
CREATE FUNCTION refuse_change_of_line_states() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON line_states
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_line_states();

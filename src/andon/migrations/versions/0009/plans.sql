-- Budgets that people set (andon.spending), one row a change; the newest counts. Without an amount, the code's counts again.
CREATE TABLE budget_settings (
    automation text NOT NULL,
    number     integer NOT NULL CHECK (number > 0),
    per        text CHECK (per IN ('day', 'month')),
    amount     bigint CHECK (amount > 0),  -- in nano-units of the currency
    set_by     text NOT NULL,
    reason     text NOT NULL CHECK (reason <> ''),
    set_at     timestamptz NOT NULL,
    PRIMARY KEY (automation, number),
    CHECK ((per IS NULL) = (amount IS NULL))
);

-- Configurations that were applied (andon.plans), with their changes. Rows are never changed.
CREATE TABLE applied_plans (
    number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    applied_at   timestamptz NOT NULL,
    applied_by   text NOT NULL,
    reason       text NOT NULL CHECK (reason <> ''),
    state_digest text NOT NULL,
    changes      jsonb NOT NULL
);

CREATE FUNCTION refuse_change_of_settings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON budget_settings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_settings();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON applied_plans
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_settings();
ALTER TABLE budget_settings ENABLE ALWAYS TRIGGER immutable;
ALTER TABLE applied_plans ENABLE ALWAYS TRIGGER immutable;

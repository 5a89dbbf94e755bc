-- Shares of blind audits (andon.gates): which part of the automatic decisions is drawn. Rows are never changed; of an automation
-- the newest holds. Where there is none, the declared share does.
CREATE TABLE audit_shares (
    automation text NOT NULL,
    number     integer NOT NULL CHECK (number > 0),
    share      double precision NOT NULL CHECK (share > 0 AND share <= 1),
    set_by     text NOT NULL,
    reason     text NOT NULL CHECK (reason <> ''),
    set_at     timestamptz NOT NULL,
    PRIMARY KEY (automation, number)
);
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_shares
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_gates();
ALTER TABLE audit_shares ENABLE ALWAYS TRIGGER immutable;

-- The control entry that says last what a row of another slice holds (audit/rows.py), for who loads that row. `andon audit verify`
-- does not rely on this table: it reads the entries.
CREATE TABLE audit_rows (
    name text PRIMARY KEY,
    seq  bigint NOT NULL
);

-- What a decision holds beside: its predicted label, arm, gate revision, line state, draw for a blind audit, and whose data it is.
-- The constants are what held for every decision before; label and arm of those are read from their records and other columns.
ALTER TABLE decisions
    ADD COLUMN label             text,
    ADD COLUMN arm               text,
    ADD COLUMN gate_revision     integer NOT NULL DEFAULT 0,
    ADD COLUMN line_state        text NOT NULL DEFAULT 'automatic',
    ADD COLUMN audit_probability double precision NOT NULL DEFAULT 0,
    ADD COLUMN audit_drawn       boolean NOT NULL DEFAULT false,
    ADD COLUMN subject_hash      bytea;

-- With these columns rows reach 2 kB, where PostgreSQL would compress each record. A partitioned table takes no such setting.
DO $$
DECLARE
    day regclass;
BEGIN
    FOR day IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'decisions'::regclass LOOP
        EXECUTE format('ALTER TABLE %s SET (toast_tuple_target = 8160)', day);
    END LOOP;
END $$;

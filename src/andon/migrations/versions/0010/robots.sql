-- Deliveries whose receiver works for a while, and what receivers return.

ALTER TABLE delivery_answers DROP CONSTRAINT delivery_answers_kind_check;
ALTER TABLE delivery_answers
    ADD CONSTRAINT delivery_answers_kind_check
        CHECK (kind IN ('delivered', 'refused', 'failed', 'unknown', 'waiting')) NOT VALID,
    ADD COLUMN result jsonb;

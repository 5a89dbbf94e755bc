-- Actions wait in lanes, one a destination, so that what is held up at one of them is not even looked at (kernel.claims).
-- `again` says that an attempt was answered and another has to follow; `revived_at` when a person last sent it again.
ALTER TABLE outbox
    ADD COLUMN lane text NOT NULL
        GENERATED ALWAYS AS (CASE WHEN topic = 'action.deliver' THEN coalesce(payload ->> 'destination', '?') ELSE '' END) STORED,
    ADD COLUMN again boolean NOT NULL DEFAULT false,
    ADD COLUMN revived_at timestamptz,
    SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (topic, due_at) WHERE state = 'pending' AND lane = '';
CREATE INDEX outbox_lanes ON outbox (topic, lane, again, due_at) WHERE state = 'pending' AND lane <> '';

-- An inquiry asks the destination whether it took an earlier attempt; it sends nothing.
ALTER TABLE delivery_attempts ADD COLUMN inquiry boolean NOT NULL DEFAULT false;

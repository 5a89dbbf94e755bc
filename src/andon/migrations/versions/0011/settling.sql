-- Dead letters whose outcome nobody knows are asked about in the review queue (andon.settling). `asked_at` says when a person was asked;
-- sending one again clears it, so that its next end is asked about anew. The index holds those that nobody was asked about.
ALTER TABLE outbox ADD COLUMN asked_at timestamptz;
CREATE INDEX outbox_unasked ON outbox (id)
    WHERE state = 'dead' AND topic = 'action.deliver' AND last_error LIKE 'unknown: %' AND asked_at IS NULL;

-- A question (andon.reviews) that was settled elsewhere is withdrawn: `reason`, `decided_by` and `decided_at` say why, by whom and when,
-- and there is no outcome. `action_id` names the delivery whose outcome a question is about.
ALTER TABLE reviews DROP CONSTRAINT reviews_state_check;
ALTER TABLE reviews
    ADD COLUMN action_id uuid,
    ADD CONSTRAINT reviews_state_check CHECK (state IN ('open', 'claimed', 'decided', 'withdrawn')),
    ADD CONSTRAINT reviews_about_actions CHECK (action_id IS NULL OR asked_by IS NOT NULL),
    ADD CONSTRAINT reviews_withdrawn_check CHECK (
        state <> 'withdrawn'
        OR (asked_by IS NOT NULL AND outcome IS NULL AND reason IS NOT NULL AND decided_by IS NOT NULL AND decided_at IS NOT NULL)
    );
DROP INDEX reviews_waiting;
CREATE INDEX reviews_waiting ON reviews (due_at, id) WHERE state IN ('open', 'claimed');
CREATE INDEX reviews_withdrawn ON reviews (decided_at DESC, id) WHERE state = 'withdrawn';
CREATE INDEX reviews_of_action ON reviews (action_id) WHERE action_id IS NOT NULL;

-- A blind question (andon.reviews) hides its decision from whoever holds it.
CREATE INDEX reviews_blind ON reviews (decision_id) WHERE blind AND state = 'claimed';

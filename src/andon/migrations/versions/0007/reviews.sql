-- A blind review (andon.reviews) asks which class is true, of a decision that was automatic. Its outcome is a class, and sets off
-- nothing. `predicted` is what the line had said, written with the verdict.
ALTER TABLE reviews
    ADD COLUMN blind     boolean NOT NULL DEFAULT false,
    ADD COLUMN predicted text,
    ADD CHECK ((predicted IS NOT NULL) = (blind AND state = 'decided'));
CREATE INDEX reviews_audited ON reviews (automation, predicted, outcome) WHERE blind AND state = 'decided';

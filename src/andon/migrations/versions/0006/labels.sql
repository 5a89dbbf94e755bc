-- Labels say which class was true (andon.labels). What was said stays as text: the outcome of a verdict, a business system's word.
ALTER TABLE labels RENAME COLUMN value TO said;
ALTER TABLE labels
    ADD COLUMN value text,
    ADD COLUMN probability double precision,
    ADD COLUMN known_at timestamptz,
    ADD COLUMN corrects uuid REFERENCES labels (id),
    ADD COLUMN reason text,
    DROP CONSTRAINT labels_source_check;

UPDATE labels SET probability = least(1, 1 / weight), known_at = recorded_at;

-- A business system's word that is a class of the model that decided is that class. The outcome of a verdict stays without a
-- class here; it gets one when it is read, by the automation's declaration.
UPDATE labels SET value = said
FROM decisions d JOIN model_versions m ON m.name = d.model AND m.number = d.model_version
WHERE d.id = labels.decision_id AND labels.source <> 'review'
    AND said IN (SELECT json_array_elements_text(m.manifest::json #> '{signature,classes}'));

ALTER TABLE labels
    DROP COLUMN weight,
    ALTER COLUMN probability SET NOT NULL,
    ALTER COLUMN known_at SET NOT NULL,
    ADD CHECK (source IN ('review', 'event', 'blind_audit', 'import')),
    ADD CHECK (probability > 0 AND probability <= 1),
    ADD CHECK ((corrects IS NULL) = (reason IS NULL)),
    ADD CONSTRAINT labels_corrected_once UNIQUE (corrects);

CREATE FUNCTION refuse_change_of_labels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on labels refused: what corrects a label is a new one', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON labels
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_labels();

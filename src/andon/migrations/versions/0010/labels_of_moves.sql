ALTER TABLE labels
    DROP CONSTRAINT labels_source_check,
    ADD CONSTRAINT labels_source_check CHECK (source IN ('review', 'event', 'blind_audit', 'import', 'folder_move'));

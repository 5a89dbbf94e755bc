-- Refuses a transaction, with the SQLSTATE AN001, when a statement did not find all the rows that it needs.
-- The detail names the missing ones as a JSON array.
CREATE FUNCTION refuse_unless_all_found(there anyarray, wanted anyarray) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(cardinality(there), 0) < cardinality(wanted) THEN
        RAISE EXCEPTION 'rows that a batch depends on have changed' USING
            ERRCODE = 'AN001',
            DETAIL = (
                SELECT coalesce(json_agg(name), '[]')
                FROM (SELECT unnest(wanted) EXCEPT SELECT unnest(there)) AS missing (name)
            );
    END IF;
END
$$;

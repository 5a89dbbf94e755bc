-- Tiles: what windows have seen, summed over short stretches of time (features). Times are whole seconds since 1970.
CREATE TABLE feature_tiles (
    automation text COLLATE "C" NOT NULL,
    field      text COLLATE "C" NOT NULL,
    by_field   text COLLATE "C" NOT NULL,
    value      text COLLATE "C" NOT NULL,
    width      integer NOT NULL,
    start      bigint NOT NULL,
    entries    bigint NOT NULL,
    total      double precision NOT NULL,
    least      double precision NOT NULL,
    most       double precision NOT NULL,
    until      bigint NOT NULL,
    PRIMARY KEY (automation, field, by_field, value, width, start)
) WITH (fillfactor = 80);
-- `until` is when no window can reach a tile any more. Tiles come in order of time, so a small index is enough.
CREATE INDEX feature_tiles_until ON feature_tiles USING brin (until) WITH (autosummarize = on);

-- An input is counted in one narrow tile, which becomes part of a wider one when only longer windows look at it; before, in a tile of
-- each width. A series has no width any more, so what was counted until now is of no series: windows begin anew.
TRUNCATE feature_tiles;
-- How many seconds a tile is wide; from `until` on nothing looks at it while it is no wider.
ALTER TABLE feature_tiles ADD COLUMN width bigint NOT NULL;

-- How wide the tiles of a series are, until the longest window that looks at tiles of this width has passed them; both in seconds.
CREATE TABLE feature_steps (
    series  bigint NOT NULL,
    width   bigint NOT NULL,
    longest bigint NOT NULL,
    PRIMARY KEY (series, width)
);

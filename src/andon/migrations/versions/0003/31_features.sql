-- A tile names its series by 64 bits of the MD5 of automation, field, by and width (features, `Series.of`) in place of the names
-- themselves: rows and index are half as large. The value comes first in the index, so that all series of it are found at one place.
ALTER TABLE feature_tiles ADD COLUMN series bigint;
UPDATE feature_tiles SET series =
    ('x' || left(md5(concat_ws(E'\x1f', automation, field, by_field, width)), 16))::bit(64)::bigint;
ALTER TABLE feature_tiles
    DROP CONSTRAINT feature_tiles_pkey,
    DROP COLUMN automation,
    DROP COLUMN field,
    DROP COLUMN by_field,
    DROP COLUMN width,
    ADD PRIMARY KEY (value, series, start);

-- What windows with std, distinct, last or since keep beside sums; NULL is unknown, and stays so when tiles are merged.
ALTER TABLE feature_tiles
    ADD COLUMN spread      double precision,
    ADD COLUMN last_at     double precision,
    ADD COLUMN last_number double precision,
    ADD COLUMN last_text   text COLLATE "C",
    ADD COLUMN members     bigint[];

-- Merges the spreads of tiles as (entries, total, spread), by the way in which PostgreSQL merges its own var_samp of parallel workers.
CREATE AGGREGATE feature_spread(double precision[]) (
    sfunc = float8_combine,
    stype = double precision[],
    initcond = '{0,0,0}'
);

-- The members of tiles behind each other; a member of several occurs as often.
CREATE AGGREGATE feature_members(bigint[]) (
    sfunc = array_cat,
    stype = bigint[],
    initcond = '{}'
);

-- How many decisions of a minute saw a value otherwise than its automation expects; when it was seen is by the clock of who decided.
CREATE TABLE expectation_breaches (
    automation text NOT NULL,
    name       text NOT NULL,
    minute     timestamptz NOT NULL,
    decisions  bigint NOT NULL,
    last_at    timestamptz NOT NULL,
    PRIMARY KEY (automation, name, minute)
);
CREATE INDEX expectation_breaches_at ON expectation_breaches (last_at);

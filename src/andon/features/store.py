"""The cold SQL of features: growing and expired tiles, breaches, checks of lookups. The hot SQL is in `tiles.py`."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import text

from andon.authoring import Lookup
from andon.features.domain import Breach, Series
from andon.features.lookups import columns_read, quoted_table
from andon.features.sketch import K
from andon.features.tiles import MERGED
from andon.kernel.db import Tx

PRUNED_AT_ONCE = 20_000

_PATIENCE = text("SET LOCAL lock_timeout = '200ms'")
"""Growing tiles must not block decisions."""

_PRUNE = text(f"""
WITH over AS (
    DELETE FROM feature_tiles WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM feature_tiles WHERE until <= :now LIMIT :most FOR UPDATE SKIP LOCKED
    )) RETURNING *
), growing AS (
    SELECT o.*, next.width AS wider, next.seconds - coalesce(s.longest + s.width, 0) AS further
    FROM over AS o LEFT JOIN feature_steps AS s ON s.series = o.series AND s.width = o.width
    CROSS JOIN LATERAL (
        SELECT w.width, w.longest + w.width AS seconds FROM feature_steps AS w
        WHERE w.series = o.series AND w.width > o.width ORDER BY w.width LIMIT 1
    ) AS next
), grown AS (
    INSERT INTO feature_tiles AS t (
        value, series, start, width, entries, total, least, most, until,
        spread, last_at, last_number, last_text, members
    )
    SELECT value, series, start - mod(mod(start, wider) + wider, wider) AS grown, max(wider),
        sum(entries), sum(total), min(least), max(most), max(until + further),
        CASE WHEN count(spread) = count(*) THEN
            (feature_spread(ARRAY[entries::float8, total, spread]) FILTER (WHERE spread IS NOT NULL))[3] END,
        CASE WHEN count(last_at) = count(*) THEN max(last_at) END,
        CASE WHEN count(last_at) = count(*) THEN (array_agg(last_number ORDER BY last_at DESC))[1] END,
        CASE WHEN count(last_at) = count(*) THEN (array_agg(last_text ORDER BY last_at DESC))[1] END,
        CASE WHEN count(members) = count(*) THEN
            ARRAY(SELECT DISTINCT m FROM unnest(feature_members(members)) AS m ORDER BY m LIMIT {K}) END
    FROM growing GROUP BY value, series, grown ORDER BY value, series, grown
    ON CONFLICT (value, series, start)
        DO UPDATE SET {MERGED}, width = greatest(t.width, excluded.width)
)
SELECT count(*) FROM over
""")


def prune(tx: Tx, now: datetime) -> int:
    """Grow tiles that only longer spans read, and delete those no window reaches: the worker's housekeeping.

    Return how many there were; fewer than PRUNED_AT_ONCE means none is left.
    """
    tx.execute(_PATIENCE)
    pruned: int = tx.execute(_PRUNE, {"now": int(now.timestamp()), "most": PRUNED_AT_ONCE}).scalar_one()
    return pruned


_FORGET_STEPS = text("DELETE FROM feature_steps WHERE series = :series AND width <> ALL (:widths)")

_ADD_STEPS = text("""
INSERT INTO feature_steps AS s (series, width, longest)
SELECT :series, * FROM unnest(CAST(:widths AS bigint[]), CAST(:longest AS bigint[]))
ON CONFLICT (series, width) DO UPDATE SET longest = excluded.longest WHERE s.longest <> excluded.longest
""")


def register(tx: Tx, every: Iterable[Series]) -> None:
    """Record the widths of these series, before any tile is written: tiles of an unknown series are deleted."""
    for series in sorted(every):
        widths, longest = zip(*series.steps, strict=True)
        tx.execute(_FORGET_STEPS, {"series": series.id, "widths": list(widths)})
        tx.execute(_ADD_STEPS, {"series": series.id, "widths": list(widths), "longest": list(longest)})


_ADD_BREACHES = text("""
INSERT INTO expectation_breaches AS b (automation, name, minute, decisions, last_at)
SELECT automation, name, :minute, decisions, :now
FROM unnest(CAST(:automations AS text[]), CAST(:names AS text[]), CAST(:decisions AS bigint[]))
    AS n(automation, name, decisions)
ORDER BY automation, name
ON CONFLICT (automation, name, minute)
    DO UPDATE SET decisions = b.decisions + excluded.decisions, last_at = greatest(b.last_at, excluded.last_at)
RETURNING automation, name, xmax = 0 AS new
""")
"""In one order for all, so that processes which write the same rows do not wait for each other."""

_BREACHES = text("""
SELECT automation, name, CAST(sum(decisions) AS bigint), max(last_at) FROM expectation_breaches
WHERE last_at >= :since AND (CAST(:automations AS text[]) IS NULL OR automation = ANY (:automations))
GROUP BY automation, name ORDER BY max(last_at) DESC, automation, name
""")

_FORGET_BREACHES = text("DELETE FROM expectation_breaches WHERE minute < :before")


def add_breaches(
    tx: Tx, counts: Mapping[tuple[str, str], int], minute: datetime, now: datetime
) -> list[tuple[str, str]]:
    """Add to what was breached in a minute, by automation and name; those that were not there before."""
    rows = {
        "automations": [automation for automation, _ in counts],
        "names": [name for _, name in counts],
        "decisions": list(counts.values()),
    }
    written = tx.execute(_ADD_BREACHES, {**rows, "minute": minute, "now": now})
    return [(automation, name) for automation, name, new in written if new]


def breaches(tx: Tx, automations: Collection[str] | None, since: datetime) -> list[Breach]:
    """Return the breaches since a moment, the latest first."""
    named = None if automations is None else list(automations)
    return [Breach(*row) for row in tx.execute(_BREACHES, {"since": since, "automations": named})]


def forget_breaches(tx: Tx, before: datetime) -> int:
    """Delete breaches before a moment; return their number."""
    return tx.execute(_FORGET_BREACHES, {"before": before}).rowcount


_COLUMN_TYPES = text("""
SELECT a.attname, format_type(a.atttypid, NULL) AS kind, t.typtype = 'e' AS is_enum
FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped
""")

_USABLE = re.compile(
    r"^(smallint|integer|bigint|real|double precision|numeric|boolean|text|character "
    r"varying|character|uuid|date|timestamp.*)$"
)


def lookup_faults(tx: Tx, lookup: Lookup) -> list[str]:
    """Return why a lookup cannot be read: a missing table or column, an unsuitable type, a missing privilege."""
    kinds = {row.attname: row for row in tx.execute(_COLUMN_TYPES, {"table": quoted_table(lookup)})}
    if not kinds:
        return [f"Lookup({lookup.table!r}): no such table or view"]
    key = lookup.key or lookup.by
    missing = [column for column in (key, *columns_read(lookup)) if column not in kinds]
    if missing:
        return [
            f"Lookup({lookup.table!r}): no column {column!r}; the columns are {', '.join(kinds)}" for column in missing
        ]
    faults = [
        f"Lookup({lookup.table!r}): {column!r} is of type {kinds[column].kind}; expected a number, a text, a "
        "boolean or a time"
        for column in columns_read(lookup)
        if not kinds[column].is_enum and not _USABLE.match(kinds[column].kind)
    ]
    if lookup.updated and not re.match("timestamp|date", kinds[lookup.updated].kind):
        faults.append(
            f"Lookup({lookup.table!r}): {lookup.updated!r} is of type {kinds[lookup.updated].kind}, not a time"
        )
    may = text("SELECT has_table_privilege(to_regclass(:table), 'SELECT')")
    if not tx.execute(may, {"table": quoted_table(lookup)}).scalar_one():
        faults.append(f"Lookup({lookup.table!r}): Andon's role may not read it; GRANT SELECT on it to that role")
    return faults

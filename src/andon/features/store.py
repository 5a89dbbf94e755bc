"""All SQL of tiles. The hot path reads a batch's tiles in one query and writes them inside the statement that records it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import text

from andon.features.domain import Key, Needs, Snapshot, Tile, TileDelta, merged
from andon.kernel.db import Tx

PRUNED_AT_ONCE = 20_000

_READ = """
SELECT needed.number, tile.start, tile.entries, tile.total, tile.least, tile.most
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::bigint[]) WITH ORDINALITY
     AS needed(automation, field, by_field, value, width, since, number)
CROSS JOIN LATERAL (
    SELECT start, entries, total, least, most FROM feature_tiles AS t
    WHERE t.automation = needed.automation AND t.field = needed.field AND t.by_field = needed.by_field
      AND t.value = needed.value AND t.width = needed.width AND t.start > needed.since
    ORDER BY t.start
) AS tile
"""

_PRUNE = text("""
DELETE FROM feature_tiles WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM feature_tiles WHERE until <= :now LIMIT :most FOR UPDATE SKIP LOCKED
))
""")


async def read(connection: asyncpg.Connection, needs: Needs) -> Snapshot:
    """All tiles a batch needs, in one query."""
    if not needs:
        return {}
    keys = list(needs.since)
    columns = [list(column) for column in zip(*keys, strict=True)]
    snapshot: dict[Key, list[Tile]] = {}
    for number, *tile in await connection.fetch(_READ, *columns, list(needs.since.values())):
        snapshot.setdefault(keys[number - 1], []).append(Tile(*tile))
    return snapshot


def insert_sql(first: int) -> str:
    """The upsert of tiles as part of a larger statement: eleven array parameters from number `first` on (see `columns_of`).

    Rows are locked in the order of their keys, so that two gateways cannot wait for each other.
    """
    types = ["text"] * 4 + ["integer", "bigint", "bigint"] + ["double precision"] * 3 + ["bigint"]
    arrays = ", ".join(f"${first + i}::{type_}[]" for i, type_ in enumerate(types))
    names = "automation, field, by_field, value, width, start, entries, total, least, most, until"
    return (
        f"INSERT INTO feature_tiles AS t ({names}) SELECT * FROM unnest({arrays}) AS d({names}) "
        "ORDER BY automation, field, by_field, value, width, start "
        "ON CONFLICT (automation, field, by_field, value, width, start) DO UPDATE SET "
        "entries = t.entries + excluded.entries, total = t.total + excluded.total, least = LEAST(t.least, excluded.least), "
        "most = GREATEST(t.most, excluded.most), until = GREATEST(t.until, excluded.until)"
    )


def columns_of(deltas: Sequence[TileDelta]) -> list[list[Any]]:
    """The parameters of `insert_sql`: one list a column. Deltas of several batches may be given; each tile occurs once."""
    once: dict[tuple[Key, int], TileDelta] = {}
    for delta in deltas:
        place = (delta.key, delta.tile.start)
        before = once.get(place)
        once[place] = delta if before is None else delta._replace(tile=merged(before.tile, delta.tile))
    rows = [(*delta.key, *delta.tile, delta.until) for delta in once.values()]
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(11)]


def prune(tx: Tx, now: datetime) -> int:
    """Delete tiles that no window reaches any more, the worker's housekeeping; how many. Fewer than PRUNED_AT_ONCE: all are gone."""
    return tx.execute(_PRUNE, {"now": int(now.timestamp()), "most": PRUNED_AT_ONCE}).rowcount

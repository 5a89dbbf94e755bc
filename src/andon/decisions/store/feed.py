"""SQL about the feed: consumers, their positions in the chains of the audit log, and the decisions after those."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log
from typing import Any
from uuid import UUID

from sqlalchemy import text

from andon.cord import LineState
from andon.decisions.domain import LATENCY_BAND, RECORDED
from andon.decisions.feed_item import STEP, FeedGroup, FeedItem
from andon.kernel.db import Tx, fetch_binary

ENTRY = 48
"""Bytes of a leaf's body for one decision: 16 of id, 32 of digest."""

_OURS = f"action = '{RECORDED}'"
"""Whether a chain holds decisions, by its first leaf. No chain holds both decisions and something else."""

_SIZE = f"octet_length(body) / {ENTRY}"

_POSITION = """LEFT JOIN LATERAL (
    SELECT p.seq, p.taken FROM feed_positions p WHERE p.consumer = {consumer} AND p.writer = c.writer LIMIT 1
) p ON true"""
"""Looked up for each chain: a plan made before the tables were analyzed would compare all positions with all chains."""

_UNREAD = f"""
SELECT c.writer, coalesce(p.seq, 0) AS seq, coalesce(p.taken, 0) AS taken, next.at
FROM audit_entries c
{_POSITION.format(consumer=":consumer")}
CROSS JOIN LATERAL (
    SELECT e.at FROM audit_entries e WHERE e.writer = c.writer AND e.seq > coalesce(p.seq, 0) ORDER BY e.seq LIMIT 1
) next
WHERE c.seq = 1 AND c.{_OURS}
"""

_OF_ALL = text(f"{_UNREAD} ORDER BY next.at, c.writer LIMIT :limit")
_OF_SOME = text(f"{_UNREAD} AND c.writer = ANY(CAST(:writers AS uuid[])) ORDER BY next.at, c.writer LIMIT :limit")

_LEAVES = text(f"""
SELECT writer, seq, body FROM (
    SELECT *, sum(size) OVER (ORDER BY due, writer, seq) - size AS before FROM (
        SELECT e.*, max(at) OVER (PARTITION BY writer ORDER BY seq) AS due
        FROM unnest(CAST(:writers AS uuid[]), CAST(:seqs AS bigint[])) AS chain (id, read_to)
        CROSS JOIN LATERAL (
            SELECT writer, seq, at, body, {_SIZE} AS size FROM audit_entries
            WHERE writer = chain.id AND seq > chain.read_to ORDER BY seq LIMIT :leaves
        ) e
    ) merged WHERE CAST(:until AS timestamptz) IS NULL OR due <= :until
) summed WHERE before < :limit ORDER BY before
""")
"""Leaves in the order in which their chains are merged. Bodies of unwanted leaves are never read.

A chain's own order takes precedence over its times: a leaf is due when all before it are.
"""

# Planned without a look at the ids: to estimate how often each of thousands occurs took twice as long as to read them.
_ROWS = """
SELECT uuid_send(id), latency_us, record FROM decisions
WHERE id = ANY((SELECT %(ids)s::text::uuid[])::uuid[]) AND id BETWEEN %(first)s AND %(last)s
"""
_ROWS_OF = f"{_ROWS} AND automation = ANY(%(automations)s)"

_ITEMS = """
SELECT uuid_send(id), writer, seq, latency_us, record FROM decisions
WHERE id = ANY((SELECT %(ids)s::text::uuid[])::uuid[]) AND id BETWEEN %(first)s AND %(last)s
"""

_GROUPS = f"""
SELECT line_state, automation, automation_version,
    coalesce(arm, model || '@' || model_version || '+' || left(policy_version, 12)), model,
    model_version, policy_version, outcome, rule, label, certain, gate_revision, audit_probability, audit_drawn,
    certain AND label IS NOT NULL AND outcome <> 'review' AND line_state = 'automatic',
    date_bin(%(step)s, decided_at, '1970-01-01 00:00Z'),
    floor(ln(greatest(latency_us, 1)::double precision) / {log(LATENCY_BAND)})::int,
    string_agg(uuid_send(id), ''::bytea), string_agg(float8send(coalesce(confidence, 'NaN')), ''::bytea)
FROM decisions WHERE id = ANY((SELECT %(ids)s::text::uuid[])::uuid[]) AND id BETWEEN %(first)s AND %(last)s
GROUP BY {", ".join(map(str, range(1, 18)))}
"""

_MOVE = text("""
INSERT INTO feed_positions (consumer, writer, seq, taken)
SELECT :consumer, * FROM unnest(CAST(:writers AS uuid[]), CAST(:seqs AS bigint[]), CAST(:taken AS int[]))
ON CONFLICT (consumer, writer) DO UPDATE SET seq = excluded.seq, taken = excluded.taken
""")

_PLACE = text(f"""
INSERT INTO feed_positions (consumer, writer, seq)
SELECT :consumer, c.writer, coalesce(since.seq - 1, last.seq) FROM audit_entries c
CROSS JOIN LATERAL (SELECT e.seq FROM audit_entries e WHERE e.writer = c.writer ORDER BY e.seq DESC LIMIT 1) last
LEFT JOIN (
    SELECT writer, min(seq) AS seq FROM audit_entries WHERE at >= :since GROUP BY writer
) since ON since.writer = c.writer
WHERE c.seq = 1 AND c.{_OURS}
""")

_STANDINGS = text(f"""
SELECT f.name, f.begun_at, f.moved_at, f.taken, unread.oldest, coalesce(unread.waiting, 0) AS waiting
FROM feed_consumers f CROSS JOIN LATERAL (
    SELECT min(e.at) AS oldest, sum(e.size)::bigint - coalesce(sum(p.taken) FILTER (WHERE e.is_next), 0) AS waiting
    FROM audit_entries c
    {_POSITION.format(consumer="f.name")}
    CROSS JOIN LATERAL (
        SELECT at, {_SIZE} AS size, row_number() OVER (ORDER BY seq) = 1 AS is_next FROM audit_entries
        WHERE writer = c.writer AND seq > coalesce(p.seq, 0)
    ) e
    WHERE c.seq = 1 AND c.{_OURS}
) unread
WHERE CAST(:consumer AS text) IS NULL OR f.name = :consumer
ORDER BY f.name
""")

_OLDEST = text(f"""
SELECT f.name, (SELECT min(unread.at) FROM ({_UNREAD.replace(":consumer", "f.name")}) unread) AS oldest
FROM feed_consumers f ORDER BY f.name
""")


@dataclass(frozen=True, slots=True)
class Unread:
    """A chain with a leaf that a consumer has not finished: `taken` decisions of it are read; it was written `at`."""

    writer: UUID
    seq: int
    taken: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ConsumerStanding:
    """The progress of a consumer: decisions taken and waiting, and when the oldest waiting one was decided."""

    name: str
    begun_at: datetime
    moved_at: datetime | None
    taken: int
    oldest: datetime | None
    waiting: int


@dataclass(frozen=True, slots=True)
class Exported:
    """A consumer's export: its automation, its file, and the committed bytes."""

    automation: str
    file: str
    length: int


def begin(tx: Tx, consumer: str, since: datetime | None) -> None:
    """Add a consumer that reads what is committed from now on, and the leaves since a moment, in chain order."""
    if add(tx, consumer):
        tx.execute(_PLACE, {"consumer": consumer, "since": since})


def add(tx: Tx, consumer: str) -> bool:
    """Add a consumer that reads from the beginning. Return False if the name is taken."""
    done = tx.execute(
        text("INSERT INTO feed_consumers (name) VALUES (:consumer) ON CONFLICT DO NOTHING"), {"consumer": consumer}
    )
    return done.rowcount == 1


def lock(tx: Tx, consumer: str) -> bool | None:
    """Keep others from reading as this consumer until the transaction ends.

    Returns False if another reads as it now, None if there is no such consumer.
    """
    row = {"consumer": consumer}
    mine = text("SELECT 1 FROM feed_consumers WHERE name = :consumer FOR NO KEY UPDATE SKIP LOCKED")
    if tx.execute(mine, row).one_or_none() is not None:
        return True
    there = text("SELECT 1 FROM feed_consumers WHERE name = :consumer")
    return None if tx.execute(there, row).one_or_none() is None else False


def forget(tx: Tx, consumer: str) -> int | None:
    """Delete a consumer and its positions, once nobody reads as it.

    Returns how many decisions it had taken, or None if there is no such consumer.
    """
    query = text("DELETE FROM feed_consumers WHERE name = :consumer RETURNING taken")
    taken: int | None = tx.execute(query, {"consumer": consumer}).scalar_one_or_none()
    return taken


def unread(tx: Tx, consumer: str, limit: int, only: Sequence[UUID] | None = None) -> list[Unread]:
    """Return the chains with something for a consumer, the one with the oldest first; all, or only among these."""
    if only is None:
        rows = tx.execute(_OF_ALL, {"consumer": consumer, "limit": limit})
    else:
        rows = tx.execute(_OF_SOME, {"consumer": consumer, "limit": limit, "writers": list(only)})
    return [Unread(*row) for row in rows]


def leaves(
    tx: Tx, chains: Sequence[Unread], *, each: int, limit: int, until: datetime | None
) -> list[tuple[UUID, int, bytes]]:
    """Return writer, number and body of the next leaves of these chains, at most `each` per chain, merged by time.

    They end with the one that reaches `limit` decisions, or before the first that is due after `until`.
    """
    wanted = {
        "writers": [chain.writer for chain in chains],
        "seqs": [chain.seq for chain in chains],
        "leaves": each,
        "limit": limit,
        "until": until,
    }
    return [(writer, seq, bytes(body)) for writer, seq, body in tx.execute(_LEAVES, wanted)]


def rows(tx: Tx, ids: Sequence[bytes], automations: Sequence[str] | None) -> dict[bytes, tuple[int, bytes]]:
    """Return latency and record of these decisions by the 16 bytes of their ids, for these automations or all."""
    if not ids:
        return {}
    wanted = _these(ids)
    if automations is None:
        found = fetch_binary(tx, _ROWS, wanted)
    else:
        found = fetch_binary(tx, _ROWS_OF, {**wanted, "automations": list(automations)})
    return {key: (latency_us, record) for key, latency_us, record in found}


def items(tx: Tx, ids: Sequence[bytes]) -> list[FeedItem]:
    """Return these decisions with their records, in no order."""
    return [FeedItem(*row) for row in fetch_binary(tx, _ITEMS, _these(ids))] if ids else []


def groups(tx: Tx, ids: Sequence[bytes]) -> list[FeedGroup]:
    """Return columns that many of these decisions share, and the ids of those decisions, in no order.

    They are hashed. The planner expects a single row, and sorting thousands of rows by their columns costs twice as
    much.
    """
    if not ids:
        return []
    tx.execute(text("SET LOCAL enable_sort = off"))
    found = fetch_binary(tx, _GROUPS, {**_these(ids), "step": STEP})
    tx.execute(text("SET LOCAL enable_sort = on"))
    return [FeedGroup(LineState(state), *columns) for state, *columns in found]


def _these(ids: Sequence[bytes]) -> dict[str, Any]:
    return {
        "ids": "{" + ",".join([key.hex() for key in ids]) + "}",
        "first": UUID(bytes=min(ids)),
        "last": UUID(bytes=max(ids)),
    }


def move(tx: Tx, consumer: str, positions: dict[UUID, tuple[int, int]], count: int) -> None:
    """Record how many decisions were taken, and how far each chain is read.

    A position is the number of leaves read, and of decisions read in the next leaf.
    """
    numbers = [(writer, *position) for writer, position in positions.items()]
    writers, seqs, taken = (list(column) for column in zip(*numbers, strict=True))
    tx.execute(_MOVE, {"consumer": consumer, "writers": writers, "seqs": seqs, "taken": taken})
    moved = text("UPDATE feed_consumers SET moved_at = now(), taken = taken + :count WHERE name = :consumer")
    tx.execute(moved, {"consumer": consumer, "count": count})


def standings(tx: Tx, consumer: str | None) -> list[ConsumerStanding]:
    """Return all consumers by name, or the one with a name. Reads the size of every unread leaf."""
    return [ConsumerStanding(*row) for row in tx.execute(_STANDINGS, {"consumer": consumer})]


def oldest(tx: Tx) -> list[tuple[str, datetime | None]]:
    """Return all consumers by name, each with the time of its oldest unread leaf."""
    return [(row.name, row.oldest) for row in tx.execute(_OLDEST)]


def export_of(tx: Tx, consumer: str) -> Exported | None:
    """Return what a consumer exports, or None."""
    query = text("SELECT automation, file, bytes FROM feed_exports WHERE consumer = :consumer")
    row = tx.execute(query, {"consumer": consumer}).one_or_none()
    return None if row is None else Exported(*row)


def add_export(tx: Tx, consumer: str, automation: str, file: str) -> None:
    """Record what a consumer exports where."""
    query = text("INSERT INTO feed_exports (consumer, automation, file) VALUES (:consumer, :automation, :file)")
    tx.execute(query, {"consumer": consumer, "automation": automation, "file": file})


def lengthen(tx: Tx, consumer: str, length: int) -> None:
    """Record the length of the file."""
    query = text("UPDATE feed_exports SET bytes = :length WHERE consumer = :consumer")
    tx.execute(query, {"consumer": consumer, "length": length})

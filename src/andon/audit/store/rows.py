"""SQL about rows that control entries vouch for: their current content, and the newest entry about each."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import text

from andon.audit.domain import Leaf
from andon.audit.rows import RowKind, RowName
from andon.kernel.db import Tx

_CHUNK = 1000


def contents_of(tx: Tx, rows: Sequence[RowName]) -> dict[RowName, str]:
    """Return the content of these rows of one kind; missing ones are left out."""
    if not rows:
        return {}
    kind = rows[0].kind
    arrays = ", ".join(f"CAST(CAST(:k{i} AS text[]) AS {type_}[])" for i, type_ in enumerate(kind.key.values()))
    query = text(
        f"SELECT {_key(kind)} AS key, {_content(kind)} AS content FROM {kind.table} AS t "
        f"WHERE ({', '.join(f't.{name}' for name in kind.key)}) IN (SELECT * FROM unnest({arrays}))"
    )
    values = {f"k{i}": [row.key[i] for row in rows] for i in range(len(kind.key))}
    return {RowName(kind, tuple(row.key)): row.content for row in tx.execute(query, values)}


def stream_contents(tx: Tx, kind: RowKind) -> Iterator[tuple[RowName, str]]:
    """Stream all rows of a kind with their contents, from a server-side cursor."""
    query = text(f"SELECT {_key(kind)} AS key, {_content(kind)} AS content FROM {kind.table} AS t WHERE {kind.where}")
    for row in tx.execute(query, execution_options={"stream_results": True, "yield_per": _CHUNK}):
        yield RowName(kind, tuple(row.key)), row.content


def note(tx: Tx, rows: Sequence[str], seq: int) -> None:
    """Record which entry is the newest about these rows."""
    statement = text(
        "INSERT INTO audit_rows (name, seq) SELECT name, :seq FROM unnest(CAST(:names AS text[])) AS name "
        "ON CONFLICT (name) DO UPDATE SET seq = excluded.seq"
    )
    tx.execute(statement, {"names": list(rows), "seq": seq})


def newest_leaves(tx: Tx, rows: Sequence[str]) -> Mapping[str, tuple[Leaf, bool]]:
    """Return the entry noted for each of these rows, and whether no newer entry has the row as its subject."""
    query = text(
        "SELECT r.name, e.*, NOT EXISTS (SELECT 1 FROM audit_entries AS n WHERE n.subject = r.name "
        "AND n.writer = e.writer AND n.seq > e.seq) AS newest "
        "FROM audit_rows AS r JOIN audit_entries AS e ON e.writer = '00000000-0000-0000-0000-000000000000' AND "
        "e.seq = r.seq "
        "WHERE r.name = ANY(CAST(:names AS text[]))"
    )
    found: dict[str, tuple[Leaf, bool]] = {}
    for row in tx.execute(query, {"names": list(rows)}):
        place = (row.writer, row.seq, row.prev_hash, row.hash)
        found[row.name] = Leaf(*place, row.at, row.actor, row.action, row.subject, row.body), row.newest
    return found


def _key(kind: RowKind) -> str:
    return f"ARRAY[{', '.join(f't.{name}::text' for name in kind.key)}]"


def _content(kind: RowKind) -> str:
    return f"jsonb_build_array({', '.join(kind.columns)})::text"

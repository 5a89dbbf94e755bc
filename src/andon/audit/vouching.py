"""Comparison of rows with the control entries that vouch for them: some when a process loads them, all in `verify`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from andon.audit.domain import CONTROL, Finding, Harm, Leaf
from andon.audit.encoding import hash_of
from andon.audit.ports import CoversRows
from andon.audit.rows import RowKind, RowName, row_digest
from andon.audit.store import rows as stored
from andon.kernel.db import Tx

ADOPT = "audit.adopt"
"""The action of the entries that vouch for rows from before entries vouched for any."""


class _Body(msgspec.Struct):
    rows: dict[str, str | None] = msgspec.field(default_factory=dict)


_BODY = msgspec.json.Decoder(_Body)


def claims_in(leaf: Leaf) -> Mapping[str, str | None]:
    """Return the claims of a control leaf about rows; none if its body is too altered to be read."""
    try:
        return _BODY.decode(leaf.body).rows
    except msgspec.DecodeError:
        return {}


def digests_of(tx: Tx, rows: Sequence[RowName]) -> dict[str, str | None]:
    """Return the digest of each row as it is now; None for one that does not exist."""
    by_kind: dict[str, list[RowName]] = {}
    for row in dict.fromkeys(rows):
        by_kind.setdefault(row.kind.name, []).append(row)
    found: dict[str, str | None] = {}
    for some in by_kind.values():
        contents = stored.contents_of(tx, some)
        found |= {str(row): row_digest(contents[row]) if row in contents else None for row in some}
    return found


def doubts(
    tx: Tx, kind: RowKind, rows: Sequence[RowName] | None = None, *, required: bool = True
) -> Mapping[tuple[str, ...], str]:
    """Return why rows of a kind must not be trusted, by key: no genuine entry vouches for them. Takes two queries.

    For a caller that loads `rows` (None: all of the kind). It detects rows that were added or altered; only `verify`
    detects that entries were removed as well. With `required` False, a row that no entry is about is not doubted.
    """
    contents = dict(stored.stream_contents(tx, kind)) if rows is None else stored.contents_of(tx, rows)
    leaves = stored.newest_leaves(tx, [str(row) for row in contents])
    found = {}
    for row, content in contents.items():
        if not required and str(row) not in leaves:
            continue
        why = _doubt(str(row), row_digest(content), leaves.get(str(row)), newest=kind.changes)
        if why is not None:
            found[row.key] = why
    return found


def _doubt(name: str, digest: str, noted: tuple[Leaf, bool] | None, *, newest: bool) -> str | None:
    if noted is None:
        return "no entry of the audit log records its creation"
    leaf, is_newest = noted
    if hash_of(leaf) != leaf.hash:
        return f"entry {leaf.seq} of the audit log, which records its content, was altered"
    if claims_in(leaf).get(name) != digest:
        return f"it differs from entry {leaf.seq} of the audit log"
    if newest and not is_newest:
        return f"entry {leaf.seq} of the audit log, which records its content, is not the newest about it"
    return None


class RowCheck:
    """Collects the claims of control leaves, then compares the rows of each kind. Use one object per verification."""

    def __init__(self, kinds: Iterable[RowKind]) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._said: dict[str, tuple[str | None, int, str]] = {}
        self._began = False

    def read(self, leaves: Iterable[Leaf]) -> Iterator[Finding]:
        """Collect the claims of the next leaves, by (writer, seq); only the control chain vouches for rows."""
        for leaf in leaves:
            if leaf.writer != CONTROL:
                continue
            claims = claims_in(leaf)
            if leaf.action == ADOPT and self._began:
                message = "rows were adopted although entries already vouched for rows"
                yield Finding(Harm.INSERTED, message, CONTROL, leaf.seq, action=leaf.action, subject=leaf.subject)
            elif claims and leaf.action != ADOPT:
                self._began = True
            for name, digest in claims.items():
                self._said[name] = (digest, leaf.seq, leaf.action)

    def end(self, tx: Tx, covering: Sequence[CoversRows] = ()) -> Iterator[Finding]:
        """Report rows after the last leaf: different, gone, or held by no entry and covered by no evidence."""
        for kind in self._kinds.values():
            for row, content in stored.stream_contents(tx, kind):
                said = self._said.pop(str(row), None)
                if said is None or said[0] is None:
                    if any(evidence.covers(row, content) for evidence in covering):
                        continue
                    message = "no entry of the log records this row"
                    yield Finding(Harm.EVIDENCE_UNCLAIMED, message, action=kind.table, subject=str(row))
                elif said[0] != row_digest(content):
                    message = f"the row in {kind.table} differs from entry {said[1]}"
                    yield Finding(Harm.EVIDENCE_EDITED, message, CONTROL, said[1], action=said[2], subject=str(row))
        for name, (digest, seq, action) in self._said.items():
            kind_of = self._kinds.get(name.partition(":")[0])
            if digest is not None and kind_of is not None:
                message = f"the row in {kind_of.table} is missing"
                yield Finding(Harm.EVIDENCE_MISSING, message, CONTROL, seq, action=action, subject=name)


def rows_standing(tx: Tx, kinds: Iterable[RowKind]) -> Iterator[list[RowName]]:
    """Yield the names of all existing rows, kind by kind, up to 500 at a time."""
    for kind in kinds:
        some: list[RowName] = []
        for row, _ in stored.stream_contents(tx, kind):
            some.append(row)
            if len(some) == 500:
                yield some
                some = []
        if some:
            yield some

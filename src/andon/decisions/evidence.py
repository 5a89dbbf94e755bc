"""The ledger's side of `andon audit verify`: are the decisions still exactly what the audit log says they were?"""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from andon.audit import Finding, Harm, Leaf
from andon.decisions.domain import RECORDED
from andon.decisions.record import decode, digest_of, shape_of
from andon.decisions.shape import RECORD_SHAPE
from andon.decisions.shaping import columns_of_record
from andon.decisions.store import reading
from andon.kernel.db import Tx

AT_ONCE = 4000
"""Decisions that are looked at together; their records are in memory meanwhile."""

_COLUMNS = {shape: columns_of_record(shape) for shape in range(1, RECORD_SHAPE + 1)}
"""What the columns of a decision hold, by the shape of its record."""

_ENTRY = 48
"""Bytes of a leaf's body for one decision: 16 of id, 32 of digest."""


class LedgerEvidence:
    """Compares leaves with ledger rows, and the columns of a row with its record. One object a verification."""

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        """Rows that are gone or changed."""
        for some in _in_groups(leaves):
            yield from self._check(tx, some)

    def _check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        rows = reading.claimed_rows(tx, [identifier for leaf in leaves for identifier, _ in _claims(leaf)])
        for leaf in leaves:
            for identifier, digest in _claims(leaf):
                row = rows.get(identifier)
                if row is None:
                    yield _finding(Harm.EVIDENCE_MISSING, "the decision is gone", leaf.writer, leaf.seq, identifier)
                elif digest_of(row.salt, row.record) != digest:
                    yield _finding(Harm.EVIDENCE_EDITED, "the record was changed", leaf.writer, leaf.seq, identifier)
                else:
                    yield from _columns_that_differ(row, leaf)

    def unclaimed(self, tx: Tx) -> Iterable[Finding]:
        """Rows that no leaf holds."""
        for row in reading.unclaimed_rows(tx):
            yield _finding(
                Harm.EVIDENCE_UNCLAIMED, "no leaf of the log holds this decision", row.writer, row.seq, row.id
            )


def _in_groups(leaves: Sequence[Leaf]) -> Iterator[list[Leaf]]:
    """As many leaves together as hold about AT_ONCE decisions."""
    group: list[Leaf] = []
    size = 0
    for leaf in leaves:
        group.append(leaf)
        size += len(leaf.body) // _ENTRY
        if size >= AT_ONCE:
            yield group
            group, size = [], 0
    if group:
        yield group


def _claims(leaf: Leaf) -> Iterator[tuple[UUID, bytes]]:
    body = leaf.body
    for start in range(0, len(body) - _ENTRY + 1, _ENTRY):
        yield UUID(bytes=body[start : start + 16]), body[start + 16 : start + _ENTRY]


def _columns_that_differ(row: reading.LedgerRow, leaf: Leaf) -> Iterator[Finding]:
    """All but `latency_us`, a measurement that is taken when the record is made already."""
    record = decode(row.record)
    expected = _COLUMNS[shape_of(record)](record) | {"writer": leaf.writer, "seq": leaf.seq}
    for column, value in expected.items():
        if getattr(row, column) != value:
            yield _finding(Harm.EVIDENCE_EDITED, f"column {column} was changed", leaf.writer, leaf.seq, row.id)


def _finding(harm: Harm, message: str, writer: UUID, seq: int, decision_id: UUID) -> Finding:
    return Finding(harm, message, writer=writer, seq=seq, action=RECORDED, subject=f"decision:{decision_id}")

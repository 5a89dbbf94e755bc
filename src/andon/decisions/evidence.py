"""The ledger's part in `andon audit verify`: are the decisions still exactly what the audit log says they were?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from andon.audit import CONTROL, Finding, Harm, Leaf, RowName
from andon.decisions.domain import RECORDED
from andon.decisions.record import decode, shape_of
from andon.decisions.sent import ADOPTED, SentDeliveries
from andon.decisions.shape import RECORD_SHAPE
from andon.decisions.shaping import RECORDED_COLUMNS, row_of_record
from andon.decisions.store import reading
from andon.decisions.vouched import SENT
from andon.kernel.db import Tx

AT_ONCE = 1000
"""Decisions that are compared together; their records are in memory meanwhile."""

_EXPECTED = {shape: row_of_record(shape) for shape in range(1, RECORD_SHAPE + 1)}
"""What the columns of a decision hold, by the shape of its record."""

_ENTRY = 48
"""Bytes of a leaf's body for one decision: 16 of id, 32 of digest."""

_DECODER = msgspec.json.Decoder()


class LedgerEvidence:
    """Compares leaves with ledger rows, and the columns of a row with its record. Use one object per verification."""

    def __init__(self) -> None:
        self.found = 0
        """The number of decisions that match a leaf."""
        self._sent = SentDeliveries()
        self._sent_unsealed = 0

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        """Rows that are gone or changed. While some are compared, PostgreSQL sends the next."""
        yield from self._sent.adopt([leaf for leaf in leaves if leaf.action == ADOPTED])
        groups = list(_in_groups([leaf for leaf in leaves if leaf.action != ADOPTED]))
        if not groups:
            return
        with ThreadPoolExecutor(1, "evidence") as reader:
            coming = reader.submit(_rows_of, tx, groups[0])
            for number, some in enumerate(groups, start=1):
                rows = coming.result()
                if number < len(groups):
                    coming = reader.submit(_rows_of, tx, groups[number])
                yield from self._check(rows, some)
                yield from self._sent.compare(tx)

    def check_unsealed(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterator[Finding]:
        """Compare leaves that the next verification reads again."""
        before = self._sent.found
        yield from self.check(tx, leaves)
        self._sent_unsealed += self._sent.found - before

    def recall(self, total: int) -> None:
        """Continue from the number of deliveries that an earlier verification found."""
        self._sent.found = total

    def total(self) -> int:
        """Return how many deliveries match the records that checkpoints hold."""
        return self._sent.found - self._sent_unsealed

    def covers(self, row: RowName, content: str) -> bool:
        """Return whether a delivery is from before entries vouched for deliveries."""
        return row.kind is SENT and self._sent.is_old(content)

    def _check(self, rows: dict[bytes, tuple[Any, ...]], leaves: Sequence[Leaf]) -> Iterator[Finding]:
        for leaf in leaves:
            if leaf.writer == CONTROL or len(leaf.body) % _ENTRY:
                message = "its body is not a list of decisions"
                yield Finding(Harm.EDITED, message, leaf.writer, leaf.seq, None, leaf.action, leaf.subject)
            yield from self._of_leaf(rows, leaf)

    def _of_leaf(self, rows: dict[bytes, tuple[Any, ...]], leaf: Leaf) -> Iterator[Finding]:
        body, place, seen = leaf.body, (leaf.writer.bytes, leaf.seq), set()
        for at in _starts(body, 1):
            identifier = body[at : at + 16]
            row = rows.get(identifier)
            if row is None:
                yield _finding(Harm.EVIDENCE_MISSING, "the decision is gone", leaf, identifier)
            elif sha256(row[3] + row[4]).digest() != body[at + 16 : at + _ENTRY]:
                yield _finding(Harm.EVIDENCE_EDITED, "the record was changed", leaf, identifier)
            else:
                record = _decoded(row[4])
                yield from _columns_that_differ(row, record, place, leaf)
                if "deliveries" in record and row[1:3] == place and identifier not in seen:
                    self._sent.name(leaf, record["deliveries"])
            if row is not None and row[1:3] == place and identifier not in seen:
                seen.add(identifier)
                self.found += 1

    def unclaimed(self, tx: Tx) -> Iterable[Finding]:
        """Find rows that no leaf holds. The search goes row by row only if there are more rows than leaves hold."""
        yield from self._sent.unclaimed(tx)
        if reading.count_all(tx) == self.found:
            return
        for row in reading.unclaimed_rows(tx):
            message = "no leaf of the log holds this decision"
            subject = f"decision:{row.id}"
            yield Finding(Harm.EVIDENCE_UNCLAIMED, message, row.writer, row.seq, action=RECORDED, subject=subject)


def _rows_of(tx: Tx, leaves: Sequence[Leaf]) -> dict[bytes, tuple[Any, ...]]:
    """Return the rows of the decisions that these leaves hold, by the bytes of their ids."""
    ids = [text[at : at + 32] for text in (leaf.body.hex() for leaf in leaves) for at in _starts(text, 2)]
    return {row[0]: row for row in reading.claimed_raw(tx, ids)}


def _in_groups(leaves: Sequence[Leaf]) -> Iterator[list[Leaf]]:
    """Yield leaves in groups that hold about AT_ONCE decisions."""
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


def _starts(body: bytes | str, width: int) -> range:
    """Return the offsets of the entries of a body, ignoring an incomplete one at its end."""
    return range(0, len(body) - _ENTRY * width + 1, _ENTRY * width)


def _decoded(written: bytes) -> dict[str, Any]:
    try:
        record: dict[str, Any] = _DECODER.decode(written)
    except msgspec.DecodeError:  # the input may hold something that this does not read, such as half a character
        record = decode(written)
    return record


def _columns_that_differ(
    row: tuple[Any, ...], record: Mapping[str, Any], place: tuple[bytes, int], leaf: Leaf
) -> Iterator[Finding]:
    """Find the columns that differ, except `latency_us`, which is measured after the record is made."""
    expected = _EXPECTED[shape_of(record)](record)
    if row[5:] == expected and row[1:3] == place:
        return
    for name, stands, value in zip(RECORDED_COLUMNS, row[5:], expected, strict=True):
        if stands != value:
            yield _finding(Harm.EVIDENCE_EDITED, f"column {name} was changed", leaf, row[0])
    for name, stands, value in zip(("writer", "seq"), row[1:3], place, strict=True):
        if stands != value:
            yield _finding(Harm.EVIDENCE_EDITED, f"column {name} was changed", leaf, row[0])


def _finding(harm: Harm, message: str, leaf: Leaf, identifier: bytes) -> Finding:
    subject = f"decision:{UUID(bytes=identifier)}"
    return Finding(harm, message, leaf.writer, leaf.seq, action=RECORDED, subject=subject)

"""Labels that were imported in bulk, compared with the digests that their audit entries hold."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from andon.audit import Finding, Harm, Leaf, RowName
from andon.kernel.db import Tx
from andon.labels import store
from andon.labels.bulk import digest_of
from andon.labels.vouched import LABELS

IMPORTED = "label.import"


class _After(msgspec.Struct):
    first: UUID
    last: UUID
    digest: str


class _Import(msgspec.Struct):
    after: _After


class ImportedLabels:
    """Compares the entries of imports with the labels they recorded. One object a verification."""

    def __init__(self) -> None:
        self._imports: dict[tuple[str, datetime], list[tuple[UUID, UUID]]] = {}

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        """Find imports whose labels differ from what was recorded."""
        for leaf in leaves:
            try:
                made = msgspec.json.decode(leaf.body, type=_Import).after
            except (msgspec.DecodeError, msgspec.ValidationError):
                continue  # the body was altered, which its hash says
            automation = leaf.subject.removeprefix("automation:")
            self._imports.setdefault((automation, leaf.at), []).append((made.first, made.last))
            if digest_of(store.imported(tx, automation, made.first, made.last, leaf.at)) != made.digest:
                message = f"the labels {made.first} to {made.last} are not those that were imported"
                yield Finding(Harm.EVIDENCE_EDITED, message, leaf.writer, leaf.seq, None, leaf.action, leaf.subject)

    def unclaimed(self, tx: Tx) -> Iterable[Finding]:
        """None: a label that no entry holds is found among the rows."""
        del tx
        return ()

    def covers(self, row: RowName, content: str) -> bool:
        """Return whether an import recorded this label, so that no entry names it."""
        if row.kind is not LABELS:
            return False
        values: list[Any] = json.loads(content)
        recorded_at = datetime.fromisoformat(values[8])  # PostgreSQL leaves out the last zeros of a fraction
        label, ranges = UUID(row.key[0]), self._imports.get((values[1], recorded_at), ())
        return any(first <= label <= last for first, last in ranges)

"""The deliveries that records of decisions name, compared with the stored ones, for `andon audit verify`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from andon import audit
from andon.audit import CONTROL, Finding, Harm, Leaf
from andon.decisions.naming import digest_of
from andon.decisions.record import decode, shape_of
from andon.decisions.store import sent as store
from andon.kernel.db import Tx
from andon.kernel.identity import PLATFORM

ADOPTED = "delivery.adopt"
"""The action of the entry that counts the deliveries from before records named them."""

NAMING = 3
"""The first shape of records that name deliveries."""


class _Adopted(msgspec.Struct):
    deliveries: int


class _Body(msgspec.Struct):
    after: _Adopted


def adopt_deliveries(tx: Tx, now: datetime) -> None:
    """Note the deliveries that no record names. Called once, after an upgrade from a version without such records."""
    audit.record(
        tx,
        actor=PLATFORM,
        action=ADOPTED,
        subject="deliveries",
        at=now,
        reason="Records of decisions name the deliveries they set off from now on",
        after={"deliveries": store.count_set_off(tx)},
    )


class SentDeliveries:
    """Compares the deliveries that records name with the stored ones. Use one object per verification."""

    def __init__(self) -> None:
        self.found = 0
        """The number of deliveries that match their record."""
        self._adopted: tuple[datetime, int] | None = None
        self._named: list[tuple[Leaf, str, str]] = []

    def adopt(self, leaves: Sequence[Leaf]) -> Iterator[Finding]:
        """Read how many deliveries existed before; a second such entry, or one in a process's chain, is forged."""
        for leaf in leaves:
            if leaf.writer != CONTROL or self._adopted is not None:
                message = "deliveries were adopted although records named deliveries already"
                yield Finding(Harm.INSERTED, message, leaf.writer, leaf.seq, action=leaf.action, subject=leaf.subject)
                continue
            try:
                self._adopted = leaf.at, msgspec.json.decode(leaf.body, type=_Body).after.deliveries
            except (msgspec.DecodeError, msgspec.ValidationError):
                self._adopted = leaf.at, 0

    def is_old(self, content: str) -> bool:
        """Return whether the content of a row says that it was written before records named deliveries."""
        return self._adopted is not None and datetime.fromisoformat(json.loads(content)[-1]) <= self._adopted[0]

    def name(self, leaf: Leaf, deliveries: Mapping[str, str]) -> None:
        """Collect the deliveries that the record of a decision in this leaf names, until `compare`."""
        self._named += [(leaf, identifier, digest) for identifier, digest in deliveries.items()]

    def compare(self, tx: Tx) -> Iterator[Finding]:
        """Compare the deliveries named since the last call."""
        named, self._named = self._named, []
        standing = store.standing(tx, [identifier for _, identifier, _ in named]) if named else {}
        for leaf, identifier, digest in named:
            row = standing.get(identifier)
            if row is None:
                yield _about(Harm.EVIDENCE_MISSING, "its decision set it off, and it is gone", identifier, leaf)
                continue
            self.found += 1
            if digest_of(*row) != digest:
                message = "it differs from the record of its decision"
                yield _about(Harm.EVIDENCE_EDITED, message, identifier, leaf)

    def unclaimed(self, tx: Tx) -> Iterator[Finding]:
        """Find deliveries that no record names. The search goes one by one only if the numbers differ."""
        at, adopted = self._adopted or (None, 0)
        if store.count_set_off(tx) == self.found + adopted:
            return
        named = old = 0
        for row in store.set_off(tx):
            record = None if row.record is None else _read(row.record)
            if record is not None and str(row.id) in record.get("deliveries", ()):
                named += 1
            elif record is not None and shape_of(record) < NAMING:
                old += at is not None and datetime.fromisoformat(record["decided_at"]) <= at
            else:
                yield _about(Harm.EVIDENCE_UNCLAIMED, "no record of a decision names this delivery", str(row.id))
        for there, expected in ((named, self.found), (old, adopted)):
            if there != expected:
                harm = Harm.EVIDENCE_MISSING if there < expected else Harm.EVIDENCE_UNCLAIMED
                message = f"{expected} deliveries were counted before, {there} exist"
                yield Finding(harm, message, action="outbox", subject="deliveries")


def _read(record: bytes) -> dict[str, Any]:
    try:
        return decode(record)
    except ValueError:
        return {}


def _about(harm: Harm, message: str, identifier: str, leaf: Leaf | None = None) -> Finding:
    subject = f"action:{identifier}"
    if leaf is None:
        return Finding(harm, message, action="outbox", subject=subject)
    return Finding(harm, message, leaf.writer, leaf.seq, action="outbox", subject=subject)

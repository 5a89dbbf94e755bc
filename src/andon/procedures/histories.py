"""Histories of ended procedures in the audit log: a worker enters their digests, and verification compares them.

Steps and results are rows of the library that runs procedures. While a procedure is under way they change, and no entry
vouches for them. When it has ended, the next entry END permanently records its id and a digest of its history.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec

from andon import audit
from andon.audit import Evidence, Finding, Harm, Leaf
from andon.kernel import durable
from andon.kernel.db import Tx
from andon.kernel.identity import PLATFORM
from andon.procedures import store

END = "procedure.end"

AT_ONCE = 500
"""The most procedures in one entry."""

GRACE = timedelta(minutes=10)
"""A procedure that ended this long before a later entry must be in an entry."""


class _After(msgspec.Struct):
    procedures: dict[str, str]


class _Body(msgspec.Struct):
    after: _After


_BODY = msgspec.json.Decoder(_Body)


def enter_ended(tx: Tx, now: datetime) -> int:
    """Enter the histories of procedures that have ended; return how many, at most AT_ONCE."""
    if not durable.is_set_up(tx):
        return 0
    ended = store.take_ended(tx, AT_ONCE)
    if ended:
        after = {"procedures": {str(one): digest for one, digest in digests(tx, ended).items()}}
        subject = f"procedures:{len(ended)}"
        audit.record(tx, actor=PLATFORM, action=END, subject=subject, at=now, after=after)
    return len(ended)


def adopt(tx: Tx, now: datetime) -> None:
    """Enter all procedures that have ended. Called once, after an upgrade from a version that entered none."""
    while enter_ended(tx, now) == AT_ONCE:
        pass


def digests(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the SHA-256 of each procedure's history; one whose run or start is gone is left out."""
    runs, starts = durable.histories(tx, ids), store.histories(tx, ids)
    return {
        one: sha256(f"{runs[one]}\n{starts[one]}".encode()).hexdigest() for one in ids if one in runs and one in starts
    }


class ProcedureHistories:
    """Finds ended procedures whose history contradicts its entry. Use one object per verification."""

    def __init__(self) -> None:
        self._said: dict[UUID, tuple[str, Leaf]] = {}
        self._newest: datetime | None = None

    def by_action(self) -> Mapping[str, Evidence]:
        """Return this evidence by the action of its entries."""
        return {END: self}

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterator[Finding]:
        """Collect the claims of entries; they are compared after the last leaf."""
        del tx
        for leaf in leaves:
            self._newest = leaf.at if self._newest is None else max(self._newest, leaf.at)
            for text, digest in _digests_in(leaf).items():
                one = UUID(text)
                before = self._said.setdefault(one, (digest, leaf))
                if before[0] != digest:
                    yield _edited(
                        f"it was entered again with a history unlike that in entry {before[1].seq}", one, leaf
                    )

    def unclaimed(self, tx: Tx) -> Iterator[Finding]:
        """Compare the histories, and find procedures that ended and are in no entry."""
        if not durable.is_set_up(tx):
            for one, (_, leaf) in self._said.items():
                yield _gone(one, leaf)
            return
        ids = list(self._said)
        for first in range(0, len(ids), AT_ONCE):
            some = ids[first : first + AT_ONCE]
            found = digests(tx, some)
            for one in some:
                digest, leaf = self._said[one]
                if one not in found:
                    yield _gone(one, leaf)
                elif found[one] != digest:
                    yield _edited("its history was changed after it had ended", one, leaf)
        before = None if self._newest is None else self._newest - GRACE
        for one in store.ended_before(tx, before):
            if one not in self._said:
                message = "it has ended, and no entry holds its history"
                yield Finding(Harm.EVIDENCE_UNCLAIMED, message, action="procedures", subject=f"procedure:{one}")


def _digests_in(leaf: Leaf) -> Mapping[str, str]:
    """Return the claims of an entry; none if it is too altered to be read."""
    try:
        found = _BODY.decode(leaf.body).after.procedures
        for text in found:
            UUID(text)
    except (msgspec.DecodeError, ValueError):
        return {}
    return found


def _edited(message: str, one: UUID, leaf: Leaf) -> Finding:
    subject = f"procedure:{one}"
    return Finding(Harm.EVIDENCE_EDITED, message, leaf.writer, leaf.seq, action=leaf.action, subject=subject)


def _gone(one: UUID, leaf: Leaf) -> Finding:
    message, subject = "the procedure or its run is gone", f"procedure:{one}"
    return Finding(Harm.EVIDENCE_MISSING, message, leaf.writer, leaf.seq, action=leaf.action, subject=subject)

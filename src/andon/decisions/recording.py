"""A batch of decisions to be recorded together, with its sender's own writes in the same transaction."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from time import perf_counter, perf_counter_ns
from typing import Protocol, TypeAlias
from uuid import UUID

import asyncpg
from msgspec import Struct

from andon.decisions.domain import DecisionRequest
from andon.decisions.ledger import LedgerEntry
from andon.features import Delta
from andon.kernel.errors import Invalid
from andon.kernel.statements import Statement

SLACK_NS = 50_000_000
"""A deadline closer than this counts as passed: there is no time for another attempt."""

GiveUp: TypeAlias = Callable[[AbstractSet[UUID], bool], None]
"""Answers these requests now; the flag says whether their recording is in doubt."""


class AlongsideEntry(Struct, frozen=True):
    """The audit entry about a sender's writes, in a chain of its own next to that of the decisions."""

    action: str
    subject: str
    body: bytes
    at: datetime


class Alongside(Protocol):
    """A sender's writes in the transaction that records its batch, e.g. the position of a stream."""

    def entry(self) -> AlongsideEntry | None:
        """Return the audit entry that vouches for these writes."""
        ...

    def statements(self, recorded: AbstractSet[UUID], refused: Mapping[UUID, str | Invalid]) -> Sequence[Statement]:
        """Return the statements of these writes; they call `refuse_unless_all_found` if their rows are not as expected.

        `recorded` are the decisions in this transaction, `refused` the requests that will never be recorded, with the
        reason.
        """
        ...

    async def is_written(self, connection: asyncpg.Connection) -> bool:
        """Return whether these writes exist, after the answer to a commit without a decision was lost."""
        ...


class RepeatsFound(Exception):
    """Some requests of a batch with writes alongside were decided before; none of it is recorded."""

    def __init__(self, ids: AbstractSet[UUID]) -> None:
        super().__init__(f"{len(ids)} were decided before")
        self.ids = ids


class Batch(Struct):
    """Decisions to be recorded together, and their results.

    `deltas` gives what some of the requests add to the feature state.
    """

    entries: Sequence[LedgerEntry]
    """The decisions that are still to be recorded."""
    deltas: Callable[[Sequence[DecisionRequest]], list[Delta]]
    alongside: Alongside | None = None
    give_up: GiveUp | None = None
    """Answers those whose deadline passes while the database does not answer."""
    recorded: set[UUID] = set()
    """The decisions that this batch recorded."""
    refused: dict[UUID, str] = {}
    """The decisions that PostgreSQL rejects, with the reason."""
    in_doubt: set[UUID] = set()
    """The writers of attempts whose end is unknown: anything they recorded belongs to this batch."""

    @property
    def requests(self) -> list[DecisionRequest]:
        """The requests that are still to be recorded."""
        return [entry.decision.request for entry in self.entries]

    def seconds_left(self, until: float) -> float:
        """Return the seconds until the first of its callers gives up, or until this moment of `perf_counter`."""
        deadlines = [deadline / 1e9 for request in self.requests if (deadline := request.deadline_ns) is not None]
        return max(0.0, min([until, *deadlines]) - perf_counter())

    def drop_overdue(self) -> None:
        """Give up the requests whose deadline has passed, and continue with the others."""
        by = perf_counter_ns() + SLACK_NS
        requests = self.requests
        self.drop({r.id for r in requests if r.deadline_ns is not None and r.deadline_ns <= by})

    def drop(self, ids: AbstractSet[UUID]) -> None:
        """Give up these requests, and continue with the others."""
        if self.give_up is None or not ids:
            return
        self.keep({request.id for request in self.requests} - ids)
        self.give_up(ids, bool(self.in_doubt))

    def keep(self, ids: AbstractSet[UUID]) -> None:
        """Continue with these requests only."""
        self.entries = [entry for entry in self.entries if entry.decision.request.id in ids]

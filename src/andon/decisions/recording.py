"""A batch of decisions to be recorded together, with what its sender writes beside them in the same transaction."""

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
"""A deadline that is closer than this counts as passed: there is no time for another attempt."""

GiveUp: TypeAlias = Callable[[AbstractSet[UUID], bool], None]
"""Answer these requests now; the flag says whether it is in doubt that they are recorded."""


class AlongsideEntry(Struct, frozen=True):
    """The audit entry about what a sender writes; it stands in a chain of its own beside that of the decisions."""

    action: str
    subject: str
    body: bytes
    at: datetime


class Alongside(Protocol):
    """What a sender writes in the transaction that records its batch, e.g. how far a stream is."""

    def entry(self) -> AlongsideEntry | None:
        """Return the audit entry that vouches for what it writes."""
        ...

    def statements(self, recorded: AbstractSet[UUID], refused: Mapping[UUID, str | Invalid]) -> Sequence[Statement]:
        """Return the statements that write it; they call `refuse_unless_all_found` if their rows are not as expected.

        `recorded` are the decisions in this transaction, `refused` what is not recorded and never will be, with the
        reason.
        """
        ...

    async def is_written(self, connection: asyncpg.Connection) -> bool:
        """Whether it is written, where the answer to a commit without a decision was lost."""
        ...


class RepeatsFound(Exception):
    """Some requests of a batch with something alongside were decided before; nothing of it is recorded."""

    def __init__(self, ids: AbstractSet[UUID]) -> None:
        super().__init__(f"{len(ids)} were decided before")
        self.ids = ids


class Batch(Struct):
    """Decisions to be recorded together, and what became of them.

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
    """The decisions that PostgreSQL never takes, with the reason."""
    in_doubt: set[UUID] = set()
    """The writers of attempts whose end is unknown: what they recorded is this batch's."""

    @property
    def requests(self) -> list[DecisionRequest]:
        """The requests that are still to be recorded."""
        return [entry.decision.request for entry in self.entries]

    def seconds_left(self, until: float) -> float:
        """Return the seconds until the first of its callers goes away, or until this moment of `perf_counter`."""
        deadlines = [deadline / 1e9 for request in self.requests if (deadline := request.deadline_ns) is not None]
        return max(0.0, min([until, *deadlines]) - perf_counter())

    def drop_overdue(self) -> None:
        """Give up the requests whose deadline has passed, and go on with the others."""
        by = perf_counter_ns() + SLACK_NS
        requests = self.requests
        self.drop({r.id for r in requests if r.deadline_ns is not None and r.deadline_ns <= by})

    def drop(self, ids: AbstractSet[UUID]) -> None:
        """Give up these requests, and go on with the others."""
        if self.give_up is None or not ids:
            return
        self.keep({request.id for request in self.requests} - ids)
        self.give_up(ids, bool(self.in_doubt))

    def keep(self, ids: AbstractSet[UUID]) -> None:
        """Go on with these requests only."""
        self.entries = [entry for entry in self.entries if entry.decision.request.id in ids]

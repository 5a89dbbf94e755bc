"""What is to be recorded together: a batch of decisions, with what somebody writes beside them in its transaction."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol
from uuid import UUID

import asyncpg
from msgspec import Struct

from andon import audit
from andon.decisions.domain import DecisionRequest
from andon.decisions.ledger import Entry
from andon.features import Delta
from andon.kernel.statements import Statement


class Alongside(Protocol):
    """What somebody writes of his own in the transaction that records a batch, e.g. how far a stream is."""

    def statements(self, recorded: AbstractSet[UUID]) -> Sequence[Statement] | None:
        """It, as statements of which one divides by zero if it is refused; None if only `write` can do it."""
        ...

    async def write(
        self, connection: asyncpg.Connection, recorded: AbstractSet[UUID], refused: Mapping[UUID, str]
    ) -> None:
        """Write it, within the transaction. What this raises of its own refuses the batch: then nothing of it is recorded.

        `refused` says why PostgreSQL takes some decisions under no circumstances; they are not among the recorded.
        """
        ...

    async def is_written(self, connection: asyncpg.Connection) -> bool:
        """Whether it is there, where the answer to a commit without a decision was lost."""
        ...


class RepeatsFound(Exception):
    """Some of a batch was decided meanwhile through another door; nothing of it is recorded."""

    def __init__(self, ids: AbstractSet[UUID]) -> None:
        super().__init__(f"{len(ids)} were decided meanwhile")
        self.ids = ids


class Batch(Struct):
    """What is to be recorded together, and what is of it. `deltas` gives what some of the requests add to the feature state.

    With something written alongside it is all or nothing: a repeat in it raises RepeatsFound.
    """

    entries: Sequence[Entry]
    deltas: Callable[[Sequence[DecisionRequest]], list[Delta]]
    leaf: audit.Leaf | None = None
    attempted: set[UUID] = set()
    """What the last attempt was to record."""
    recorded: set[UUID] = set()
    alongside: Alongside | None = None
    refused: dict[UUID, str] = {}
    sent: bool = False
    early: bool = False
    """Whether PostgreSQL is to begin before all of it is written: there is nothing else to do while it works."""

    @property
    def ids(self) -> list[UUID]:
        """Of the decisions that are still to be recorded."""
        return [entry.decision.request.id for entry in self.entries]

    def of(self, entries: Sequence[Entry]) -> "Batch":
        """A part of it."""
        return Batch(entries, self.deltas)

    def leave_out(self, ids: set[UUID]) -> None:
        """Record these no more."""
        self.entries = [entry for entry in self.entries if entry.decision.request.id not in ids]

"""A batch of decisions to be recorded together, with what its sender writes beside them in the same transaction."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol
from uuid import UUID

import asyncpg
from msgspec import Struct

from andon.decisions.domain import DecisionRequest
from andon.decisions.ledger import LedgerEntry
from andon.features import Delta
from andon.kernel.errors import Invalid
from andon.kernel.statements import Statement


class Alongside(Protocol):
    """What a sender writes in the transaction that records its batch, e.g. how far a stream is."""

    def statements(self, recorded: AbstractSet[UUID], refused: Mapping[UUID, str | Invalid]) -> Sequence[Statement]:
        """Return the statements that write it; they call `refuse_unless_all_found` if their rows are not as expected.

        `recorded` are the decisions in this transaction, `refused` what is not recorded and never will be, with the reason.
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

    def keep(self, ids: AbstractSet[UUID]) -> None:
        """Go on with these requests only."""
        self.entries = [entry for entry in self.entries if entry.decision.request.id in ids]

"""The port through which decisions are written to the ledger."""

from typing import Protocol
from uuid import UUID

from andon.decisions.recording import Batch


class LedgerWriter(Protocol):
    """The one writer of decisions in a process or for a lane of streams. Use from one event loop; `close` when done.

    `Recorder` is the fast one, `PlainRecorder` the readable one; `tests/contract/ledger` tests both.
    """

    async def open(self) -> None:
        """Connect ahead of the first batch, if the server is there."""
        ...

    async def record(self, batch: Batch) -> set[UUID]:
        """Record a batch in one commit, through outages, and return the ids that it recorded.

        Repeats are left out. So are decisions that PostgreSQL rejects; those are in `batch.refused`. A batch with
        writes alongside is all or nothing: it raises RepeatsFound if a request was decided before, and Fenced if the
        writes alongside were refused. Raises LedgerUnavailable if the database does not answer within PATIENCE.
        """
        ...

    async def run(self, statement: str, *parameters: object) -> None:
        """Write something outside the ledger, once. Raises LedgerUnavailable; then the write may be lost."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...

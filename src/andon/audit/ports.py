"""The interface by which another slice proves that its rows are still what the log says."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from andon.audit.domain import Finding, Leaf
from andon.audit.rows import RowName
from andon.kernel.db import Tx


class Evidence(Protocol):
    """Compares leaves with the rows they vouch for. One object for each verification, so it may count.

    An object that is registered under several actions gets the leaves of all of them, in their order.
    """

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        """Compare the next leaves of its actions, some hundred at a time by (writer, seq); report rows edited or gone.

        The leaves include those with a wrong hash, whose body may be anything.
        """
        ...

    def unclaimed(self, tx: Tx) -> Iterable[Finding]:
        """Return the rows that no leaf vouches for. Called once, after the last leaf."""
        ...


@runtime_checkable
class CoversRows(Protocol):
    """Evidence with entries that vouch for rows without naming each."""

    def covers(self, row: RowName, content: str) -> bool:
        """Return whether an entry vouches for this row. Called after the last leaf."""
        ...


@runtime_checkable
class AddsUp(Protocol):
    """Evidence that needs the sum of all its entries; an incremental verification reads only the new ones."""

    def recall(self, total: Any) -> None:
        """Continue from the result of `total` in an earlier verification. Called before the first leaf."""
        ...

    def check_unsealed(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        """Compare, as `check` does, leaves that no checkpoint holds yet: the next verification reads them again."""
        ...

    def total(self) -> Any:
        """Return, as JSON, the sum of the leaves that checkpoints hold. Called after the last leaf."""
        ...


@runtime_checkable
class CountsRows(Protocol):
    """Evidence that counts the rows that match their leaves, and may continue from an earlier count."""

    found: int

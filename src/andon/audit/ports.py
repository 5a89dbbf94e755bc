"""How another slice proves that its rows are still what the log says."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from andon.audit.domain import Finding, Leaf
from andon.audit.rows import RowName
from andon.kernel.db import Tx


class Evidence(Protocol):
    """Compares leaves with the rows they vouch for. One object for each verification, so it may count.

    An object that stands under several actions gets the leaves of all of them, in their order.
    """

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        """Compare the next leaves of its actions, some hundred at a time by (writer, seq); report rows edited or gone.

        The leaves include those whose own hash is wrong; their body may be anything.
        """
        ...

    def unclaimed(self, tx: Tx) -> Iterable[Finding]:
        """Return the rows that no leaf vouches for. Called once, after the last leaf."""
        ...


@runtime_checkable
class CoversRows(Protocol):
    """Evidence whose entries vouch for rows without naming each."""

    def covers(self, row: RowName, content: str) -> bool:
        """Return whether an entry vouches for this row. Called after the last leaf."""
        ...


@runtime_checkable
class AddsUp(Protocol):
    """Evidence that needs the sum of all its entries, of which an incremental verification reads the new ones only."""

    def recall(self, total: Any) -> None:
        """Go on from what `total` returned to an earlier verification. Called before the first leaf."""
        ...

    def check_unsealed(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        """Compare as `check` does leaves that no checkpoint holds: the next verification reads them again."""
        ...

    def total(self) -> Any:
        """Return, as JSON, the sum of the leaves that checkpoints hold. Called after the last leaf."""
        ...


@runtime_checkable
class CountsRows(Protocol):
    """Evidence that counts the rows it found as leaves hold them, and may go on from an earlier count."""

    found: int

"""Rows of other slices that control entries vouch for: their kinds, names and digests. Pure, no database.

A control entry may hold `rows`: for each row that it wrote, the row's name and the SHA-256 of its content. The content
is the text that PostgreSQL gives for `jsonb_build_array` of the kind's columns. The digest is null where the entry
removed the row. The newest entry that names a row determines what the row must hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from andon.audit.domain import Leaf


@dataclass(frozen=True, slots=True)
class RowKind:
    """Rows of one table. `columns` must never change: further columns need a kind with another name."""

    name: str
    table: str
    key: Mapping[str, str] = field(hash=False)
    """The columns of the primary key with their types; all are part of the row's name."""
    columns: tuple[str, ...]
    """SQL expressions over the table's columns; entries vouch for their values."""
    where: str = "true"
    """An SQL condition for the rows of the table that an entry must vouch for."""
    changes: bool = False
    """Whether rows change in place. Then a row is the subject of its entries, and the newest one must vouch for it."""

    def row(self, *key: object) -> "RowName":
        """Name one row by the values of its key."""
        return RowName(self, tuple(map(str, key)))


@dataclass(frozen=True, slots=True)
class RowName:
    """One row of a kind."""

    kind: RowKind
    key: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind.name}:{'/'.join(self.key)}"


@dataclass(frozen=True, slots=True)
class RowClaim:
    """The claim of a control entry about one row: the digest of its content, None if the entry removed it."""

    digest: str | None
    leaf: Leaf


def row_digest(content: str) -> str:
    """Return the digest of a row's content that an entry keeps."""
    return sha256(content.encode()).hexdigest()

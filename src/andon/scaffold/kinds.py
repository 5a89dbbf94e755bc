"""Kinds: the kind of a column's values, from counts over it. Pure rules; `profile` counts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from andon.scaffold.domain import ColumnKind

_TRUTHS = frozenset(
    frozenset(pair) for pair in (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"), ("0", "1"))
)
_ID_NAME = re.compile(r"(?i:(^|[ _.-])(id|ids|uuid|guid|key)$)|[a-z](Id|ID|Uuid|UUID)$")
_INDEX_NAME = re.compile(
    r"^(unnamed: ?\d+|column_\d+|index|row_?names?|row_?(id|no|nr|number)?|level_0)$", re.IGNORECASE
)

FEW, MANY = 50, 1000
"""Up to FEW categories are few in any file; MANY are the most, and only if each is seen often."""
OFTEN = 20
"""Rows per category that make many categories learnable."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted over the filled cells of one column; `words` are those with a blank inside."""

    rows: int
    filled: int
    distinct: int
    longest: int = 0
    words: int = 0
    low: float | None = None
    high: float | None = None


def is_boolean(spellings: Iterable[str]) -> bool:
    """Return whether these are spellings of true and false."""
    return frozenset(word.lower() for word in spellings) in _TRUTHS


def of_integers(name: str, counts: Counts) -> tuple[ColumnKind, str | None]:
    """Return the kind of whole numbers, and why a model cannot use them if they number the rows or name things."""
    unique = counts.distinct == counts.filled == counts.rows and counts.rows >= OFTEN
    dense = counts.high is not None and counts.low is not None and counts.high - counts.low == counts.filled - 1
    if unique and dense and _INDEX_NAME.match(name):
        return ColumnKind.INDEX, "numbers the rows"
    if unique and (dense or _ID_NAME.search(name)):
        return ColumnKind.IDENTIFIER, "is different in every row"
    if _ID_NAME.search(name) and counts.distinct > FEW:
        return ColumnKind.IDENTIFIER, f"identifies things: {counts.distinct:,} different values"
    return ColumnKind.INTEGER, None


def of_text(counts: Counts) -> tuple[ColumnKind, str | None]:
    """Return the kind of text, and why a model cannot use it if it is an identifier.

    Text is a category while its values repeat; otherwise it is an identifier, or free text if most cells are several
    words.
    """
    repeats = counts.distinct <= FEW and 2 * counts.distinct <= counts.filled
    if repeats or (counts.distinct <= MANY and counts.distinct * OFTEN <= counts.filled):
        return ColumnKind.CATEGORY, None
    if 2 * counts.words > counts.filled:
        return ColumnKind.TEXT, None
    if counts.distinct == counts.filled:
        return ColumnKind.IDENTIFIER, "is different in every row"
    return ColumnKind.IDENTIFIER, f"has too many different values ({counts.distinct:,} in {counts.filled:,} rows)"

"""The lines of the contract that a project is given: one field for each column that a caller sends."""

import json
from collections.abc import Sequence

from andon.authoring import MOST_CHARACTERS
from andon.scaffold import meaning
from andon.scaffold.domain import ORDERING, Column, ColumnKind, Notation, WindowTrial
from andon.scaffold.ranges import bounds, expected, outwards

WIDTH = 120
"""The line length of a written project."""

_EXACT = 2**53
"""Whole numbers beyond this are not exact in JSON, so no bound is made of them."""
_SHORTEST = 256
"""The least room for a text, so that a new name or category is no error."""

_SHORTEST_TEXT = 4_096
"""The same for a free text."""

_MOMENT = '''def _in_utc(moment: datetime) -> datetime:
    """Times without a zone are taken as UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]'''

_NUMBERS = (ColumnKind.NUMBER, ColumnKind.INTEGER)
_NOTATIONS = {Notation.COMMA: "number_with_comma", Notation.GROUPED: "number_with_point"}
_READERS = ("number_with_comma", "number_with_point", "time_as")
"""Names that a contract may import from `andon.notations`."""


def imports(fields: Sequence[str], helpers: Sequence[str], expected: Sequence[str]) -> list[str]:
    """Return the import lines that these fields, helpers and expectations need, sorted."""
    text = "\n".join((*fields, *helpers))
    names = sorted(name for name in ("AfterValidator", "Field") if name in text)
    readers = [name for name in _READERS if name in text]
    lines = ["from datetime import UTC, datetime"] if "datetime" in text else []
    lines += ["from typing import Annotated"] if "Annotated" in text else []
    pydantic = ", ".join(sorted([*names, "BaseModel", "ConfigDict"]))
    from_andon = [*(["Expect"] if expected else []), *(["Text"] if "Text(" in text else [])]
    third_party = [f"from andon import {', '.join(from_andon)}"] if from_andon else []
    third_party += [f"from andon.notations import {', '.join(readers)}"] if readers else []
    return [*lines, *([""] if lines else []), *third_party, f"from pydantic import {pydantic}"]


def helpers(columns: Sequence[Column]) -> list[str]:
    """Return the functions that read values as the file spells them."""
    carried = [column for column in columns if column.kind.carried]
    return [_MOMENT] if any(column.kind is ColumnKind.TIME for column in carried) else []


def field_lines(columns: Sequence[Column]) -> list[str]:
    """Return a field for each column that a caller sends, and a comment for each that is left out."""
    return [line for column in columns for line in (_field(column) if column.kind.carried else [_omission(column)])]


def expectations(columns: Sequence[Column], windows: Sequence[WindowTrial]) -> list[str]:
    """Return an `Expect` for each number that the model learns from and that has a range of its own."""
    numbers = [line for column in columns if column.used and column.kind in _NUMBERS for line in _expectation(column)]
    seen = [(name, outwards(2 * most)) for window in windows for name, most in window.most]
    return [*numbers, *(f"Expect({json.dumps(name)}, at_most={_number(most)})" for name, most in seen if most)]


def _expectation(column: Column) -> list[str]:
    named = zip(("at_least", "at_most"), expected(column), strict=True)
    sides = [f"{word}={_number(bound)}" for word, bound in named if bound is not None]
    missing = ["missing=True"] if column.missing else []
    return [f"Expect({', '.join((json.dumps(column.field), *sides, *missing))})"] if sides else []


def one_line(text: str) -> str:
    """Return the text as one line, fit for a comment or a docstring."""
    return " ".join(text.replace("\\", "/").replace('"""', "'''").split())


def _omission(column: Column) -> str:
    return one_line(f"# {column.name!r} is not part of the contract: it {column.reason}")


def _field(column: Column) -> list[str]:
    optional = not column.required
    kind = _type(column) + (" | None" if optional else "")
    parts = [*_constraints(column), *_readers(column)]
    annotation = f"Annotated[{', '.join((kind, *parts))}]" if parts else kind
    line = f"{column.field}: {annotation}{' = None' if optional else ''}"
    comment = one_line(_comment(column))
    if not comment:
        return [line]
    whole = f"{line}  # {comment}"
    return [whole] if len(whole) + 4 <= WIDTH else [f"# {comment[: WIDTH - 6]}", line]


def _type(column: Column) -> str:
    if column.kind is ColumnKind.INTEGER and meaning.is_quantity(column.name) and not meaning.is_count(column.name):
        return "float"
    names = {
        ColumnKind.NUMBER: "float",
        ColumnKind.INTEGER: "int",
        ColumnKind.INDEX: "int",
        ColumnKind.BOOLEAN: "bool",
        ColumnKind.TIME: "Moment",
    }
    return names.get(column.kind, "str")


def _readers(column: Column) -> list[str]:
    if column.notation is not None:
        return [_NOTATIONS[column.notation]]
    return [f"time_as({json.dumps(column.time_format)})"] if column.time_format else []


def _constraints(column: Column) -> list[str]:
    given = [f"alias={json.dumps(column.name, ensure_ascii=False)}"] if column.field != column.name else []
    if column.kind in _NUMBERS and column.reason is None:
        named = zip(("ge", "le"), bounds(column), strict=True)
        given += [f"{word}={_number(bound)}" for word, bound in named if bound is not None and _exact(column, bound)]
    if column.kind is ColumnKind.TEXT and column.reason is None:
        aliased = [f"Field({', '.join(given)})"] if given else []
        return [*aliased, f"Text(max_length={_room_for_text(column.longest):_})"]
    if _type(column) == "str":
        given.append(f"max_length={_room(column.longest)}")
    return [f"Field({', '.join(given)})"] if given else []


def _exact(column: Column, bound: float) -> bool:
    return column.kind is ColumnKind.NUMBER or abs(bound) < _EXACT


def _room(longest: int) -> int:
    room = _SHORTEST
    while room < 2 * longest:
        room *= 2
    return room


def _room_for_text(longest: int) -> int:
    return min(MOST_CHARACTERS, max(_SHORTEST_TEXT, _room(longest)))


def _comment(column: Column) -> str:
    if column.reason:
        return column.reason if column.reason == ORDERING else f"left out of the model: it {column.reason}"
    parts = []
    if column.kind is ColumnKind.CATEGORY:
        shown = ", ".join(column.categories[:5]) + (", ..." if len(column.categories) > 5 else "")
        parts.append(f"{len(column.categories)} values: {shown}")
    if column.kind in _NUMBERS and column.low is not None and column.high is not None:
        parts.append(f"{_number(column.low)} to {_number(column.high)}")
    if column.missing:
        parts.append(f"{100 * column.missing:.2g}% missing")
    return "; ".join(parts)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)

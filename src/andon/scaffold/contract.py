"""The lines of the contract that a project is given: one field for each column that a caller sends."""

import json
from collections.abc import Sequence

from andon.scaffold.domain import Column, ColumnKind, Notation
from andon.scaffold.ranges import bounds

WIDTH = 120
"""The line length of a written project."""

_EXACT = 2**53
"""Whole numbers beyond this are not exact in JSON, so no bound is made of them."""
_SHORTEST = 32

_MOMENT = '''def _in_utc(moment: datetime) -> datetime:
    """Times without a zone are taken as UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]'''

_NOTATIONS = {Notation.COMMA: "number_with_comma", Notation.GROUPED: "number_with_point"}
_READERS = ("number_with_comma", "number_with_point", "time_as")
"""What a contract takes of `andon.notations`."""


def imports(fields: Sequence[str], helpers: Sequence[str]) -> list[str]:
    """The import lines that these fields and helpers need, sorted."""
    text = "\n".join((*fields, *helpers))
    names = sorted(name for name in ("AfterValidator", "Field") if name in text)
    readers = [name for name in _READERS if name in text]
    lines = ["from datetime import UTC, datetime"] if "datetime" in text else []
    lines += ["from typing import Annotated"] if "Annotated" in text else []
    pydantic = ", ".join(sorted([*names, "BaseModel", "ConfigDict"]))
    third_party = [f"from andon.notations import {', '.join(readers)}"] if readers else []
    return [*lines, *([""] if lines else []), *third_party, f"from pydantic import {pydantic}"]


def helpers(columns: Sequence[Column]) -> list[str]:
    """The functions that read values as the file spells them."""
    carried = [column for column in columns if column.kind.carried]
    return [_MOMENT] if any(column.kind is ColumnKind.TIME for column in carried) else []


def field_lines(columns: Sequence[Column]) -> list[str]:
    """A field for each column that a caller sends, a comment for each that is left out."""
    return [line for column in columns for line in (_field(column) if column.kind.carried else [_omission(column)])]


def one_line(text: str) -> str:
    """Text fit for a comment or a docstring."""
    return " ".join(text.replace("\\", "/").replace('"""', "'''").split())


def _omission(column: Column) -> str:
    return one_line(f"# {column.name!r} is not part of the contract: it {column.reason}")


def _field(column: Column) -> list[str]:
    optional = column.missing > 0 or column.kind in (ColumnKind.IDENTIFIER, ColumnKind.TEXT)
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
    names = {
        ColumnKind.NUMBER: "float",
        ColumnKind.INTEGER: "int",
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
    if column.kind in (ColumnKind.NUMBER, ColumnKind.INTEGER) and column.low is not None and column.high is not None:
        named = zip(("ge", "le"), bounds(column.low, column.high), strict=True)
        given += [f"{word}={_number(bound)}" for word, bound in named if bound is not None and _exact(column, bound)]
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


def _comment(column: Column) -> str:
    if column.reason:
        return f"not used by the model: {column.reason}"
    parts = []
    if column.kind is ColumnKind.CATEGORY:
        shown = ", ".join(column.categories[:5]) + (", ..." if len(column.categories) > 5 else "")
        parts.append(f"{len(column.categories)} values: {shown}")
    if column.kind in (ColumnKind.NUMBER, ColumnKind.INTEGER) and column.low is not None and column.high is not None:
        parts.append(f"{_number(column.low)} to {_number(column.high)}")
    if column.missing:
        parts.append(f"{100 * column.missing:.2g}% missing")
    return "; ".join(parts)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)

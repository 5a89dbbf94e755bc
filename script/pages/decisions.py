"""Every field of a decision: its meaning, and where it is stored and shown."""

from types import NoneType
from typing import Any, get_args

from script.pages.markdown import code, table

from andon.decisions import FIELDS, Field, Shown

PLACES = {
    Shown.ANSWER: "answer",
    Shown.LIST: "list",
    Shown.WHOLE: "whole",
    Shown.OUTSIDE: "outside",
    Shown.PAGE: "console",
}


def body() -> str:
    """Return a table of all fields, in the order of their declaration."""
    head = ("field", "type", "meaning", "column", "record", "JSON", "shown in")
    return table(head, map(_row, FIELDS.values()))


def _row(field: Field) -> tuple[str, ...]:
    return (
        code(field.name),
        _kind(field.type),
        field.meaning,
        code(field.name) if field.column else "",
        code(field.record) if field.record else "",
        code(field.path) if field.shown & ~Shown.PAGE else "",
        ", ".join(name for place, name in PLACES.items() if place in field.shown),
    )


def _kind(kind: Any) -> str:
    parts = [part for part in get_args(kind) if part is not NoneType]
    if NoneType in get_args(kind):
        return f"{_kind(parts[0])} or null"
    name: str = "list of texts" if kind == tuple[str, ...] else "anything" if kind is Any else kind.__name__
    return {"str": "text", "int": "integer", "float": "number", "bytes": "bytes", "Mapping": "object"}.get(name, name)

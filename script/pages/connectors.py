"""Every kind of connector: the options of its actions and destinations."""

from pathlib import Path

from pydantic import BaseModel
from script.pages.markdown import code, table

from andon.actions import Kind
from andon.bootstrap.connecting import Kinds


def body() -> str:
    """Return a section for each kind."""
    kinds = Kinds(Path())
    return "\n".join(_section(name, kinds[name]) for name in kinds)


def _section(name: str, kind: Kind) -> str:
    shapes = {"option of an action": kind.options, f"setting in `[destinations.NAME.{name}]`": kind.settings}
    tables = [_table(what, shape) for what, shape in shapes.items() if shape.model_fields]
    return "\n\n".join([f"## `{name}`", kind.summary, *tables]) + "\n"


def _table(what: str, shape: type[BaseModel]) -> str:
    rows = (
        (
            code(name),
            "required" if field.is_required() else _default(field.get_default(call_default_factory=True)),
            field.description or "",
        )
        for name, field in shape.model_fields.items()
    )
    return table((what, "default", "meaning"), rows)


def _default(value: object) -> str:
    if value is None or value in ({}, ""):
        return "none"
    return code(", ".join(map(str, value)) if isinstance(value, tuple) else str(value))

"""Every setting of `andon.toml`, with the environment variable that overrides it."""

from typing import Any

from pydantic import BaseModel
from script.pages.markdown import code, kind, table

from andon.kernel import config
from andon.kernel.config import Destination, Settings


def body() -> str:
    """A table for each section of the file."""
    variables = {setting: variable for variable, setting in config.names().items()}
    sections = [
        f"## `[{name}]`\n\n{_said(field.annotation)}\n\n{_table(field.annotation, name, variables)}"
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]
    return "\n".join([*sections, f"## `[destinations.NAME]`\n\n{_said(Destination)}\n\n{_destination()}"])


def _table(section: type[BaseModel], name: str, variables: dict[tuple[str, str], str]) -> str:
    head = ("setting", "environment", "takes", "default", "meaning")
    return table(
        head,
        (
            (code(setting), code(variables[name, setting]), _takes(schema), _default(schema), schema["description"])
            for setting, schema in section.model_json_schema()["properties"].items()
        ),
    )


def _destination() -> str:
    schema = Destination.model_json_schema()
    return table(
        ("setting", "takes", "default", "meaning"),
        (
            (
                code(name),
                _takes(each),
                "required" if name in schema["required"] else _default(each),
                each["description"],
            )
            for name, each in schema["properties"].items()
        ),
    )


def _said(section: Any) -> str:
    return (section.__doc__ or "").strip()


def _takes(schema: dict[str, Any]) -> str:
    """What may be written; that a setting may be left out is said by its default."""
    written = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return " or ".join(kind({**each, "format": _FORMATS.get(each.get("format"), each["type"])}) for each in written)


_FORMATS = {"password": "secret text"}


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "none" if default is None else code(default)

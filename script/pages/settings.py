"""Every setting of `andon.toml`, with the environment variable that overrides it."""

from typing import Any

from pydantic import BaseModel
from script.pages.markdown import code, kind, table

from andon.kernel import config
from andon.kernel.config import (
    AlertSettings,
    DestinationSettings,
    EndpointSettings,
    EventSettings,
    LanguageModelSettings,
    Settings,
)
from andon.kernel.connections import KINDS


def body() -> str:
    """Return a table for each section of the file."""
    variables = {setting: variable for variable, setting in config.names().items()}
    sections = [
        f"## `[{name}]`\n\n{_said(field.annotation)}\n\n{_table(field.annotation, name, variables)}"
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]
    named = [
        _by_name("destinations", DestinationSettings),
        *map(_connection, KINDS),
        _by_name("events", EventSettings),
        _by_name("alerts", AlertSettings),
        _by_name("endpoints", EndpointSettings),
        _by_name("language_models", LanguageModelSettings),
    ]
    return "\n".join([*sections, *named])


def _table(section: type[BaseModel], name: str, variables: dict[tuple[str, str], str]) -> str:
    head = ("setting", "environment", "takes", "default", "meaning")
    return table(
        head,
        (
            (code(setting), code(variables[name, setting]), _takes(schema), _default(schema), schema["description"])
            for setting, schema in section.model_json_schema()["properties"].items()
        ),
    )


def _by_name(name: str, section: type[BaseModel]) -> str:
    """Describe settings that are given once for each name, and so only in the file."""
    schema = section.model_json_schema()
    rows = table(
        ("setting", "takes", "default", "meaning"),
        (
            (
                code(setting),
                _takes(each),
                "required" if setting in schema.get("required", ()) else _default(each),
                each["description"],
            )
            for setting, each in schema["properties"].items()
        ),
    )
    return f"## `[{name}.NAME]`\n\n{_said(section)}\n\n{rows}"


def _connection(section: type[BaseModel]) -> str:
    """Describe one kind of `[connections.NAME]`."""
    [kind] = section.model_json_schema()["properties"]["kind"].get("enum") or [
        section.model_json_schema()["properties"]["kind"]["const"]
    ]
    return _by_name("connections", section).replace("]`", f"]` of kind `{kind}`", 1)


def _said(section: Any) -> str:
    return (section.__doc__ or "").strip()


def _takes(schema: dict[str, Any]) -> str:
    """Describe the accepted values; the default shows whether a setting is optional."""
    written = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return " or ".join(kind({**each, "format": _FORMATS.get(each.get("format"), each["type"])}) for each in written)


_FORMATS = {"password": "secret text"}


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "none" if default is None else code(default)

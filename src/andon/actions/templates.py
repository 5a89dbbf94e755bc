"""Texts of action options with values of the decision in braces: `{input.payment_id}`; `{{` and `}}` stand for braces.

Nothing is evaluated: a name is looked up in the decision's content, and a missing one is an error, not an empty text.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator

from andon.actions.ports import Delivery

_PARTS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*$")
KNOWN = ("input", "id", "key", "automation", "action", "outcome", "rule", "reasons", "score", "confidence", "model")
"""The allowed first parts of a name: every decision has these."""

OF_ALERTS = ("alert", "alerts")
"""First parts of the names in a message about alerts."""


class ValueMissing(Exception):
    """A template names a value that this decision does not have."""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text: alternating literal parts and names. Raises ValueError if it cannot be parsed."""

    text: str
    parts: tuple[tuple[str, str | None], ...] = field(init=False)
    """(literal, the name that follows it)."""

    def __post_init__(self) -> None:
        parts: list[tuple[str, str | None]] = []
        literal, end = "", 0
        for found in _PARTS.finditer(self.text):
            literal += self.text[end : found.start()]
            end = found.end()
            whole, name = found.group(0), found.group(1)
            if whole in ("{{", "}}"):
                literal += whole[0]
            elif name is None or not _NAME.match(name):
                raise ValueError(f"{whole!r} is not a value: write {{input.field}}, or double a literal brace")
            elif name.partition(".")[0] not in (*KNOWN, *OF_ALERTS):
                raise ValueError(f"{whole!r} is not a value: a name begins with one of {', '.join(KNOWN)}")
            else:
                parts.append((literal, name))
                literal = ""
        parts.append((literal + self.text[end:], None))
        object.__setattr__(self, "parts", tuple(parts))

    @property
    def names(self) -> list[str]:
        """The names of the values that it needs, in order."""
        return [name for _, name in self.parts if name is not None]

    def fill(self, values: Mapping[str, Any], *, quote: Callable[[str], str] = str) -> str:
        """Return the text with its values, each passed through `quote`. Raises ValueMissing."""
        return "".join(
            literal if name is None else literal + quote(text_of(value_of(values, name)))
            for literal, name in self.parts
        )


def values_of(delivery: Delivery) -> dict[str, Any]:
    """Return the values that templates may name."""
    return {
        **delivery.data,
        "key": str(delivery.key),
        "automation": delivery.automation,
        "action": delivery.action,
        "outcome": delivery.outcome,
    }


def value_of(values: Mapping[str, Any], name: str) -> Any:
    """Return the value of a dotted name. Raises ValueMissing."""
    found: Any = values
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise ValueMissing(f"this decision has no value {{{name}}}")
        found = found[part]
    return found


def text_of(value: Any) -> str:
    """Return a value as encodable text: lists joined by commas, an empty text for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return ", ".join(map(text_of, value))
    return json.dumps(value)


def fill_json(shape: Any, values: Mapping[str, Any]) -> Any:
    """Return a JSON value with its templates filled. A text that is a single name in braces becomes that value."""
    if isinstance(shape, str):
        template = Template(shape)
        if len(template.names) == 1 and template.parts[0][0] == "" and template.parts[-1][0] == "":
            return value_of(values, template.names[0])
        return template.fill(values)
    if isinstance(shape, Mapping):
        return {name: fill_json(value, values) for name, value in shape.items()}
    if isinstance(shape, list | tuple):
        return [fill_json(value, values) for value in shape]
    return shape


def _parsed(text: str) -> str:
    Template(text)
    return text


def _parsed_json(shape: Any) -> Any:
    if isinstance(shape, str):
        Template(shape)
    elif isinstance(shape, Mapping):
        for value in shape.values():
            _parsed_json(value)
    elif isinstance(shape, list | tuple):
        for value in shape:
            _parsed_json(value)
    return shape


def _is_a_mapping(inputs: Any) -> Any:
    if inputs is not None and not isinstance(inputs, Mapping):
        raise ValueError("expected a mapping of names to values")
    return inputs


Text = Annotated[str, AfterValidator(_parsed)]
"""An option that is a template; one that cannot be parsed is refused when the automation is loaded."""

Body = Annotated[Any, AfterValidator(_parsed_json)]
"""An option that is JSON whose texts are templates."""

Inputs = Annotated[Body, AfterValidator(_is_a_mapping)]
"""An option that maps names to such JSON, or None."""

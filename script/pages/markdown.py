"""Tables, and JSON Schemas in words."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

_LONGEST_PATTERN = 100
"""A longer pattern only lists invisible characters."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without columns that are empty in every row; an empty text if there are no rows."""
    body = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    kept = [column for column in range(len(head)) if any(row[column] for row in body)]
    lines = [[row[column] for column in kept] for row in ([*head], ["---"] * len(head), *body)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) if body else ""


def code(value: Any) -> str:
    """Return a value in JSON, set as code."""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def kind(schema: dict[str, Any]) -> str:
    """Describe a JSON Schema: `integer, 1 to 200`, `list of string`, a link to a shape of the same page."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if alternatives := schema.get("anyOf"):
        return " or ".join(kind(each) for each in alternatives)
    if values := schema.get("enum"):
        return " or ".join(code(each) for each in values)
    if "const" in schema:
        return code(schema["const"])
    match schema.get("type"):
        case "array":
            return f"list of {kind(schema.get('items', {}))}"
        case "object":
            inner = schema.get("additionalProperties") or next(iter(schema.get("patternProperties", {}).values()), None)
            return f"object of {kind(inner)}" if isinstance(inner, dict) and inner else "object"
        case None:
            return "anything"
        case name:
            named, limits = str(schema.get("format", name)), ", ".join(_limits(schema))
            return named + (f" ({limits})" if limits else "")


def span(low: float | None, high: float | None) -> str:
    """Describe the bounds of a range, if any: `1 to 200`, `1 or more`."""
    if low is None:
        return "" if high is None else f"{_number(high)} or less"
    return f"{_number(low)} or more" if high is None else f"{_number(low)} to {_number(high)}"


def _limits(schema: dict[str, Any]) -> Iterable[str]:
    yield from filter(None, [span(schema.get("minimum"), schema.get("maximum"))])
    if "exclusiveMinimum" in schema:
        yield f"more than {_number(schema['exclusiveMinimum'])}"
    shortest, longest = schema.get("minLength"), schema.get("maxLength")
    if shortest is not None and shortest == longest:
        yield f"{longest} characters"
    elif longest is not None:
        yield f"at most {longest} characters"
    if len(schema.get("pattern", "")) > _LONGEST_PATTERN:
        yield "readable text"
    elif "pattern" in schema:
        yield code(schema["pattern"])


def _number(value: float) -> str:
    return str(int(value) if float(value).is_integer() else value)

"""Segments in filters of decisions: `country=AT`, as an address or a form writes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from andon.decisions.errors import SegmentUnreadable
from andon.kernel.errors import Fault


def segment_in(texts: Sequence[str]) -> Mapping[str, str] | None:
    """Read `field=value` texts, each of which may hold several, separated by commas; None if there is none.

    Raises SegmentUnreadable.
    """
    parts = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    found: dict[str, str] = {}
    for part in parts:
        field, separator, value = part.partition("=")
        if not separator or not field.strip() or "\0" in part:
            message = f"Expected FIELD=VALUE, such as country=AT, got {part!r}"
            raise SegmentUnreadable(message, faults=[Fault("segment", message)])
        found[field.strip()] = value.strip()
    return found or None


def number_or_boolean(text: str) -> Any:
    """Return the number or boolean that a text writes in JSON; None if it writes neither."""
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        return None
    return value if isinstance(value, int | float) else None

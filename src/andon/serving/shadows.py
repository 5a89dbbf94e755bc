"""Writes shadow predictions, a batch as one statement by asyncpg. `store.py` reads them."""

from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any

from andon.serving.domain import ShadowPrediction

_TYPES = ("uuid", "text", "text", "text", "int", "text", "float8", "text", "float8", "text", "timestamptz")
_NAMES = tuple(field.name for field in fields(ShadowPrediction))

SHADOW_SQL = (
    f"INSERT INTO shadow_predictions ({', '.join(_NAMES)}) SELECT * FROM unnest("
    + ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_TYPES, start=1))
    + ") ON CONFLICT DO NOTHING"
)
"""Inserts a batch of shadow predictions; one that is there already (the batch was sent twice) is left as it is."""


def shadow_columns(predictions: Sequence[ShadowPrediction]) -> list[list[Any]]:
    """Return the parameters of `SHADOW_SQL`: one list per column."""
    rows = [astuple(prediction) for prediction in predictions]
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in _NAMES]

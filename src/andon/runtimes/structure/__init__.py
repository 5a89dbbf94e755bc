"""Checks of a model file before its library reads it: sizes, counts, indexes and nesting, without that library.

A library trusts its own files: an index outside an array ends the process that predicts. Nothing here runs what it
reads.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import ModelUnreadable
from . import archives, lightgbm_text, protobuf, xgboost_file

MOST_BYTES = 4 * 1024**3
"""The size above which a model file is refused."""

_COLUMNS = {"time": 3}
"""The columns of the matrix that a feature of a kind becomes, where it is more than one."""

_CHECKS: Mapping[str, Callable[[Path, int | None], None]] = {
    "lightgbm": lightgbm_text.check,
    "xgboost": xgboost_file.check,
    "onnx": protobuf.check,
    "sklearn": archives.check_skops,
    "embeddings": archives.check,
    "python": archives.check,
    "pyfunc": archives.check,
}


def check(runtime: str, file: Path, signature: Mapping[str, Any] | None = None) -> None:
    """Raise ModelUnreadable if a file's structure could lead its library astray, or differs from its signature."""
    if file.stat().st_size > MOST_BYTES:
        raise ModelUnreadable(f"{file.name} has {file.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read")
    checked = _CHECKS.get(runtime)
    if checked is not None:
        known = None if signature is None else signature["features"]
        checked(file, None if known is None else sum(_COLUMNS.get(feature["kind"], 1) for feature in known))

"""The raw columns of an encoded matrix, for models that take those, since a model file's input is always encoded."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .outputs import Matrix

Columns: TypeAlias = dict[str, NDArray[Any]]

_TIME_WIDTH = 3
"""The columns of a time: seconds since 1970, hour and weekday; the latter two follow from the first."""


class Decoder:
    """The reverse of the encoding, for one signature.

    A number is float64 (NaN is missing), a boolean True, False or None, a category its text or None (missing or never
    seen), both in object arrays, and a time datetime64[us] in UTC (NaT is missing). A missing text is empty.
    """

    def __init__(self, signature: Mapping[str, Any]) -> None:
        self._columns: list[tuple[str, int, Callable[[Matrix], NDArray[Any]]]] = []
        at = 0
        for feature in signature["features"]:
            self._columns.append((feature["name"], at, _decoder(feature)))
            at += _TIME_WIDTH if feature["kind"] == "time" else 1

    def __call__(self, matrix: Matrix) -> Columns:
        """Return each feature's values [rows] by name, in the order of the signature."""
        return {name: decode(matrix[:, at]) for name, at, decode in self._columns}


def columns_of(signature: Mapping[str, Any]) -> list[str]:
    """Return the feature of each column of a matrix."""
    return [f["name"] for f in signature["features"] for _ in range(_TIME_WIDTH if f["kind"] == "time" else 1)]


def _decoder(feature: Mapping[str, Any]) -> Callable[[Matrix], NDArray[Any]]:
    match feature["kind"]:
        case "number":
            return _numbers
        case "boolean":
            return _choice((False, True))
        case "category":
            return _choice(tuple(feature["categories"]))
        case "time":
            return _times
        case "text":
            return _texts
        case kind:
            raise ValueError(f"feature {feature['name']!r} is of an unknown kind, {kind}")


def _numbers(column: Matrix) -> NDArray[Any]:
    return np.ascontiguousarray(column, dtype=np.float64)


def _texts(column: Matrix) -> NDArray[Any]:
    return np.array([value if isinstance(value, str) else "" for value in column.tolist()], dtype=object)


def _choice(values: tuple[Any, ...]) -> Callable[[Matrix], NDArray[Any]]:
    """Map codes to values; NaN, which is -1 here, to the None at the end."""
    known = np.array([*values, None], dtype=object)

    def decode(column: Matrix) -> NDArray[Any]:
        codes = _numbers(column)
        return known[np.where(np.isnan(codes), -1, codes).astype(np.intp)]

    return decode


def _times(column: Matrix) -> NDArray[Any]:
    seconds = _numbers(column)
    missing = np.isnan(seconds)
    times = np.round(np.where(missing, 0.0, seconds) * 1e6).astype("datetime64[us]")
    times[missing] = np.datetime64("NaT", "us")
    return times

"""The encoding of raw values as numbers, identical in training, packing and serving.

A number stays as it is, a boolean becomes 0 or 1, a category its position among the known values. A time gives three
columns: seconds since 1970, hour of the day and weekday (0 is Monday), in UTC. Missing and unknown values are NaN. A
free text stays a text, or None: a matrix with such a column is an array of objects.
"""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from andon.models.errors import ValueUnusable
from andon.models.signature import FeatureKind, FeatureSpec
from andon.runtimes import Matrix

Rows: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Columns by name (arrays or lists), or a list of rows."""

_MISSING = math.nan
_TIME_PARTS = ("", "_hour", "_weekday")
_DAY = 86_400.0
_THURSDAY = 3
"""The weekday of 1970-01-01."""


class Encoder:
    """The encoding of one signature, prepared once and used for every batch."""

    def __init__(self, features: Sequence[FeatureSpec]) -> None:
        self.features = tuple(features)
        self.columns = columns_of(features)
        names = [feature.name for feature in features for _ in range(_width(feature))]
        self._coders = [(at, coder) for at, coder in enumerate(_coders(features)) if coder is not None]
        self._has_texts = has_texts(features)
        self._pick = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
        self._pack = struct.Struct(f"{len(names)}d").pack

    def encode(self, rows: Sequence[Mapping[str, Any]]) -> Matrix:
        """Return the matrix of a batch of rows. Raises ValueUnusable.

        Each row holds every feature; None is a missing value.
        """
        try:
            picked = [self._pick(row) for row in rows]
            if self._has_texts and rows:
                return _side_by_side(self.features, list(zip(*picked, strict=True)))
            return self._matrix(list(map(self._coded, picked)) if self._coders else picked)
        except (KeyError, TypeError, ValueError, OverflowError, ValueUnusable) as error:
            raise self._blame(rows, error) from error

    def _coded(self, values: Sequence[Any]) -> list[Any]:
        """Return the values of a row, each encoded by the coder of its column if there is one."""
        coded = list(values)
        for at, coder in self._coders:
            coded[at] = coder[coded[at]]
        return coded

    def _matrix(self, picked: Sequence[Sequence[Any]]) -> Matrix:
        """Return rows of numbers as a matrix.

        This takes a third of the time that NumPy takes to inspect each value. Only missing values and numbers as text
        need NumPy.
        """
        try:
            numbers = np.frombuffer(bytearray().join([self._pack(*values) for values in picked]))
        except struct.error:
            numbers = _numbers(list(chain.from_iterable(picked)))
        return numbers.reshape(len(picked), len(self.columns))

    def _blame(self, rows: Sequence[Mapping[str, Any]], error: Exception) -> ValueUnusable:
        for number, row in enumerate(rows):
            for feature in self.features:
                if feature.name not in row:
                    return ValueUnusable(f"Row {number} has no value for {feature.name!r}; give None for a missing one")
                try:
                    _column(feature, [row[feature.name]])
                except ValueUnusable as unusable:
                    return unusable
        return ValueUnusable(str(error))


def columns_of(features: Sequence[FeatureSpec]) -> tuple[str, ...]:
    """Return the names of the matrix's columns."""
    return tuple(feature.name + part for feature in features for part in _TIME_PARTS[: _width(feature)])


def has_texts(features: Sequence[FeatureSpec]) -> bool:
    """Return whether a matrix of these features holds texts, and so is an array of objects."""
    return any(feature.kind is FeatureKind.TEXT for feature in features)


def categorical_columns(features: Sequence[FeatureSpec]) -> tuple[int, ...]:
    """Return the positions of the columns that hold category codes, for training."""
    kinds = [feature.kind for feature in features for _ in range(_width(feature))]
    return tuple(at for at, kind in enumerate(kinds) if kind is FeatureKind.CATEGORY)


def encode(features: Sequence[FeatureSpec], rows: Rows) -> Matrix:
    """Return the matrix [rows, columns] on which a model is trained. Raises ValueUnusable."""
    if not isinstance(rows, Mapping):
        return Encoder(features).encode(rows)
    absent = [feature.name for feature in features if feature.name not in rows]
    if absent:
        raise ValueUnusable(f"The rows have no column {', '.join(map(repr, absent))}")
    lengths = {feature.name: len(rows[feature.name]) for feature in features}
    if len(set(lengths.values())) != 1:
        raise ValueUnusable(f"The columns differ in length: {lengths}")
    return _stacked([_column(feature, rows[feature.name]) for feature in features])


def encode_labels(classes: Sequence[str], labels: Sequence[Any]) -> NDArray[np.int64]:
    """Return the position of each label among the classes. Raises ValueUnusable for a missing or unknown one."""
    positions = {name: position for position, name in enumerate(classes)}
    texts = [text_of(label) for label in values_of(labels)]
    unknown = sorted({str(text) for text in texts if text not in positions})
    if unknown:
        raise ValueUnusable(f"Labels {', '.join(unknown[:5])} are not among the classes {', '.join(classes)}")
    return np.array([positions[text] for text in texts if text is not None], dtype=np.int64)


def text_of(value: Any) -> str | None:
    """Return a category or class as text; None for a missing value. Raises ValueUnusable.

    It is `5411` for 5411 and 5411.0, and `true` for True.
    """
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating | Decimal):
        return _text_of_float(float(value))
    if isinstance(value, int | np.integer | UUID):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise ValueUnusable(f"A category is text, a number, a boolean or a date; got {type(value).__name__}")


def values_of(column: Any) -> list[Any]:
    """Return a column's values as plain Python objects, None where an array masks or lacks one."""
    if isinstance(column, np.ndarray):
        return list((column.astype("datetime64[us]") if column.dtype.kind == "M" else column).tolist())
    return list(column)


def _text_of_float(value: float) -> str | None:
    if math.isnan(value):
        return None
    return str(int(value)) if value.is_integer() else repr(value)


class _Categories(dict[Any, float]):
    """Maps known values to codes; a value that is not text is looked up by its text."""

    def __init__(self, categories: Iterable[str]) -> None:
        super().__init__({name: float(code) for code, name in enumerate(categories)})

    def __missing__(self, value: Any) -> float:
        text = text_of(value)
        return _MISSING if text is None else self.get(text, _MISSING)


class _Booleans(dict[Any, float]):
    """Maps booleans to 0 and 1; numbers and `true`/`false` as text are accepted too."""

    def __init__(self) -> None:
        super().__init__({False: 0.0, True: 1.0, None: _MISSING})

    def __missing__(self, value: Any) -> float:
        if isinstance(value, float) and math.isnan(value):
            return _MISSING
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return float(value.lower() == "true")
        raise ValueUnusable(f"expected true or false, got {type(value).__name__}")


class _Texts:
    """Returns a text unchanged; numbers and other values as they are written."""

    def __getitem__(self, value: Any) -> str | None:
        return value if isinstance(value, str) else text_of(value)


class _TimePart:
    """Maps a time to one number: a datetime or date (default: UTC), ISO 8601 text, or seconds since 1970."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __getitem__(self, value: Any) -> float:
        seconds = _seconds(value)
        if self._part == "_hour":
            return seconds % _DAY / 3600
        return (seconds // _DAY + _THURSDAY) % 7 if self._part == "_weekday" else seconds


_TEXTS = _Texts()


def _seconds(value: Any) -> float:
    if value is None:
        return _MISSING
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    return float(value)


def _width(feature: FeatureSpec) -> int:
    return len(_TIME_PARTS) if feature.kind is FeatureKind.TIME else 1


def _coders(features: Sequence[FeatureSpec]) -> list[Any]:
    """Return each column's map from raw value to number by `[]`; None where numpy reads the number itself."""
    coders: list[Any] = []
    for feature in features:
        match feature.kind:
            case FeatureKind.NUMBER:
                coders.append(None)
            case FeatureKind.BOOLEAN:
                coders.append(_Booleans())
            case FeatureKind.CATEGORY:
                coders.append(_Categories(feature.categories))
            case FeatureKind.TIME:
                coders.extend(_TimePart(part) for part in _TIME_PARTS)
            case FeatureKind.TEXT:
                coders.append(_Texts())
    return coders


def _side_by_side(features: Sequence[FeatureSpec], picked: Sequence[Sequence[Any]]) -> Matrix:
    """Return the matrix from values by column; the values of a time occur once for each of its parts."""
    at, columns = 0, []
    for feature in features:
        columns.append(_column(feature, list(picked[at])))
        at += _width(feature)
    return _stacked(columns)


def _stacked(columns: Sequence[NDArray[Any]]) -> Matrix:
    stacked: Matrix = np.column_stack(columns)
    return stacked


def _column(feature: FeatureSpec, values: Any) -> Matrix:
    """Return a raw feature's columns of the matrix. Raises ValueUnusable, which names the feature but no value."""
    numeric = isinstance(values, np.ndarray) and values.dtype.kind in "fiub" and not np.ma.isMaskedArray(values)
    try:
        if numeric and feature.kind is FeatureKind.NUMBER:
            return np.asarray(values, dtype=np.float64).reshape(-1, 1)
        plain = values_of(values)
        if feature.kind is FeatureKind.TEXT:
            return _texts(plain)
        columns = [plain if coder is None else [coder[v] for v in plain] for coder in _coders([feature])]
        return np.column_stack([_numbers(column) for column in columns])
    except (TypeError, ValueError, OverflowError, ValueUnusable) as error:
        raise ValueUnusable(f"Feature {feature.name!r} is a {feature.kind}; a value is not: {_shown(error)}") from error


def _texts(values: list[Any]) -> Matrix:
    """Return texts as a column of objects."""
    column: NDArray[Any] = np.empty((len(values), 1), dtype=object)
    column[:, 0] = [_TEXTS[value] for value in values]
    return column


def _numbers(values: list[Any]) -> Matrix:
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1:
        raise TypeError("a value is a list of values")
    return array


def _shown(error: Exception) -> str:
    return str(error) if isinstance(error, ValueUnusable) else type(error).__name__

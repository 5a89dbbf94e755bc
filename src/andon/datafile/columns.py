"""Columns: the rows that a model learns from, as one typed array per column; large files are sampled."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from sys import intern
from typing import Any

import numpy as np
from numpy.typing import NDArray

from andon.datafile.opening import Source, reading

MOST_ROWS = 500_000
MOST_CELLS = 12_000_000
"""Of a larger file a seeded random sample is taken: as numbers of eight bytes these are 100 MB."""


class Columns:
    """Typed arrays, grown row by row: numbers and times (seconds since 1970) as floats, all else as shared text."""

    def __init__(self, names: Sequence[str]) -> None:
        self._values: dict[str, Any] = {name: array("d") for name in names}
        self._texts: dict[str, dict[str, int]] = {}
        self.labels: list[Any] = []

    def __len__(self) -> int:
        return len(self.labels)

    def add(self, row: Mapping[str, Any], label: Any) -> None:
        """Add a row and its label."""
        for name, values in self._values.items():
            values.append(self._number(name, row[name]))
        self.labels.append(intern(label) if isinstance(label, str) else label)

    def column(self, name: str) -> NDArray[Any]:
        """Return a column: floats with NaN for what is missing, or text with None."""
        numbers = np.frombuffer(self._values[name], dtype=np.float64)
        if name not in self._texts:
            return numbers
        texts = np.array([None, *self._texts[name]], dtype=object)
        return texts[np.nan_to_num(numbers + 1).astype(np.int64)]

    def take(self, positions: Sequence[int] | NDArray[np.int64]) -> tuple[dict[str, NDArray[Any]], list[Any]]:
        """Return these rows as columns by name, and their labels."""
        at = np.asarray(positions, dtype=np.int64)
        return {name: self.column(name)[at] for name in self._values}, [self.labels[i] for i in at.tolist()]

    def _number(self, name: str, value: Any) -> float:
        if value is None:
            return float("nan")
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, str):
            known = self._texts.setdefault(name, {})
            return known.setdefault(value, len(known))
        return float(value)


def read_columns(
    source: Source,
    read: Callable[[dict[str, Any]], Mapping[str, Any]],
    names: Sequence[str],
    *,
    target: str,
    label: Callable[[Any], Any] | None = None,
    sheet: str | None = None,
    header: int | None = None,
    most_rows: int = MOST_ROWS,
    most_cells: int = MOST_CELLS,
) -> Columns:
    """Return the rows whose `target` is known, each as `read` makes it of the raw row, as columns of `names`.

    Of a file with more rows or cells than given a seeded random sample is taken.
    """
    columns = Columns(names)
    with reading(source, sheet=sheet, header=header) as data:
        at = data.names.index(target)
        for values in data.tuples(most=most_rows, cells=most_cells):
            if (found := values[at]) is not None:
                row = read(dict(zip(data.names, values, strict=True)))
                columns.add(row, found if label is None else label(found))
    return columns

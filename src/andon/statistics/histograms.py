"""Histograms in bins fixed by a reference: counted in one pass, added to merge, written as JSON.

Every feature has a row of `counts`. Cell 0 holds values below the reference's minimum (of a category: values the
reference does not know), cells 1 to k the bins or categories, cell k + 1 the values above its maximum. The last two
cells of a row hold missing and infinite values. Rows of features with fewer bins are padded with zeros.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf, nextafter
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]
Cells: TypeAlias = NDArray[np.intp]

UNSEEN = -1.0
"""The code of a category that the reference does not know."""

_CHUNK = 2048
"""Rows that are counted at a time, so that they stay in a processor's cache."""

_FEW_BINS = 60


@dataclass(frozen=True, slots=True)
class FeatureBins:
    """The bins of one feature: edges of a number, or known categories.

    With neither, it only distinguishes missing values.
    """

    name: str
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The number of bins or categories."""
        return len(self.categories) or max(len(self.edges) - 1, 0)

    @property
    def labels(self) -> tuple[str, ...]:
        """A label for each of the cells 0 to k + 1."""
        if self.categories:
            return ("unseen", *self.categories, "")
        if not self.size:
            return ("", "")
        low, high = self.edges[0], self.edges[-1]
        inner = (f"{one:.6g} to {two:.6g}" for one, two in zip(self.edges, self.edges[1:], strict=False))
        return (f"below {low:.6g}", *inner, f"above {high:.6g}")

    def codes(self, values: Sequence[str | None]) -> Floats:
        """Codes of categories for a column of a matrix: their position, UNSEEN for others, NaN for None."""
        known: dict[str | None, float] = {name: float(at) for at, name in enumerate(self.categories)}
        known[None] = np.nan
        return np.array([known.get(value, UNSEEN) for value in values], dtype=np.float64)


@dataclass(frozen=True)
class Binning:
    """The bins of all features of one reference, in the order of a matrix's columns."""

    features: tuple[FeatureBins, ...]

    @cached_property
    def width(self) -> int:
        """The number of cells in a row."""
        return max((one.size for one in self.features), default=0) + 4

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the features."""
        return tuple(one.name for one in self.features)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """The number of bins of each feature."""
        return np.array([one.size for one in self.features], dtype=np.int64)

    @cached_property
    def ordered(self) -> NDArray[np.bool_]:
        """Whether the bins of each feature have an order."""
        return np.array([not one.categories for one in self.features], dtype=np.bool_)

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Which cells hold a bin or category, [features, width]."""
        at = np.arange(self.width)
        return (at >= 1) & (at <= self.sizes[:, None])

    @cached_property
    def _ladder(self) -> Floats:
        """Lowest values of the cells from 1 on, [steps, features].

        Infinite where a feature has no such cell, or too many.
        """
        steps = [_steps(one) if one.size <= _FEW_BINS else () for one in self.features]
        ladder = np.full((max(map(len, steps), default=0), len(steps)), np.inf)
        for at, own in enumerate(steps):
            ladder[: len(own), at] = own
        return ladder

    def cells(self, matrix: Floats) -> Cells:
        """Return the cell of each value of a matrix [rows, features]; NaN is missing, categories are codes."""
        found = np.empty(matrix.shape, dtype=np.intp)
        for start in range(0, len(matrix), _CHUNK):
            found[start : start + _CHUNK] = self._cells(matrix[start : start + _CHUNK]).T
        return found

    def _cells(self, matrix: Floats) -> Cells:
        """Return the cells of a few rows, [features, rows]."""
        columns = np.ascontiguousarray(matrix.T)
        passed = np.zeros(columns.shape, dtype=np.uint8)
        above = np.empty(columns.shape, dtype=np.bool_)
        for step in self._ladder:  # where there are few bins, comparing with every edge beats a search
            np.greater_equal(columns, step[:, None], out=above)
            passed += above.view(np.uint8)
        found = passed.astype(np.intp)
        for at, feature in enumerate(self.features):
            if feature.size > _FEW_BINS:
                found[at] = np.searchsorted(_steps(feature), columns[at], side="right")
        odd = ~np.isfinite(columns)
        if odd.any():
            found[odd] = np.where(np.isnan(columns[odd]), self.width - 2, self.width - 1)
        return found

    def count(self, matrix: Floats) -> "Histograms":
        """Return the histograms of a matrix [rows, features]."""
        chunks = (self._cells(matrix[at : at + _CHUNK]).T for at in range(0, len(matrix), _CHUNK))
        return sum(map(self.count_cells, chunks), self.empty())

    def count_cells(self, cells: Cells) -> "Histograms":
        """Return the histograms of cells [rows, features]."""
        features = len(self.features)
        flat = cells.T + (np.arange(features) * self.width)[:, None]
        counts = np.bincount(flat.ravel(), minlength=features * self.width)
        return Histograms(self, counts.reshape(features, self.width).astype(np.int64))

    def empty(self) -> "Histograms":
        """Histograms of no rows."""
        return Histograms(self, np.zeros((len(self.features), self.width), dtype=np.int64))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the bins as JSON values."""
        return [{"name": f.name, "edges": list(f.edges), "categories": list(f.categories)} for f in self.features]

    @classmethod
    def from_json(cls, document: Sequence[Mapping[str, Any]]) -> Self:
        """Return the bins written by `to_json`."""
        return cls(tuple(FeatureBins(d["name"], tuple(d["edges"]), tuple(d["categories"])) for d in document))


def _steps(feature: FeatureBins) -> Floats:
    """Return the lowest value of each cell from 1 on: a category's codes, or a number's edges and the next value."""
    if feature.categories:
        return np.arange(feature.size, dtype=np.float64)
    if not feature.size:
        return np.empty(0)
    return np.array([*feature.edges[:-1], nextafter(feature.edges[-1], inf)])


@dataclass(frozen=True)
class Histograms:
    """Counts [features, width] in the cells of a binning. Merge two windows by adding them."""

    binning: Binning
    counts: Counts = field(repr=False)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The number of values of each feature, missing ones included."""
        return np.asarray(self.counts.sum(axis=1))

    @cached_property
    def missing(self) -> NDArray[np.int64]:
        """The number of missing values of each feature."""
        return self.counts[:, -2]

    @cached_property
    def infinite(self) -> NDArray[np.int64]:
        """The number of infinite values of each feature."""
        return self.counts[:, -1]

    @cached_property
    def outside(self) -> NDArray[np.int64]:
        """Values below and above the reference of each feature, [features, 2]; of a category the unseen and 0."""
        above = self.counts[np.arange(len(self.counts)), self.binning.sizes + 1]
        return np.column_stack((self.counts[:, 0], above))

    def __add__(self, other: "Histograms") -> "Histograms":
        if self.binning != other.binning:
            raise ValueError("histograms with different bins cannot be added")
        return Histograms(self.binning, self.counts + other.counts)

    def to_json(self) -> list[list[int]]:
        """Return the counts as JSON values: for each feature cells 0 to k + 1, missing and infinite."""
        sizes = self.binning.sizes.tolist()
        return [[*row[: size + 2], *row[-2:]] for row, size in zip(self.counts.tolist(), sizes, strict=True)]

    @classmethod
    def from_json(cls, binning: Binning, document: Sequence[Sequence[int]]) -> Self:
        """Return the counts written by `to_json`."""
        counts = np.zeros((len(binning.features), binning.width), dtype=np.int64)
        for row, written, size in zip(counts, document, binning.sizes.tolist(), strict=True):
            row[: size + 2], row[-2:] = written[:-2], written[-2:]
        return cls(binning, counts)


@dataclass(frozen=True, slots=True)
class FeatureReference:
    """The reference of one feature: its bins, a count for each, and how many values were missing."""

    bins: FeatureBins
    counts: tuple[int, ...]
    missing: int = 0


def numeric(name: str, edges: Sequence[float], counts: Sequence[int], missing: int = 0) -> FeatureReference:
    """Describe the reference of a number; `counts[i]` lie in [edges[i], edges[i + 1]), the last bin closed."""
    if not all(np.isfinite(edges)) or len(counts) != max(len(edges) - 1, 0):
        return FeatureReference(FeatureBins(name), (), missing + sum(counts))
    return FeatureReference(FeatureBins(name, edges=tuple(map(float, edges))), tuple(counts), missing)


def category(name: str, counts: Mapping[str, int], missing: int = 0) -> FeatureReference:
    """Describe the reference of a category by the count of each known value."""
    return FeatureReference(FeatureBins(name, categories=tuple(counts)), tuple(counts.values()), missing)


def reference_of(features: Sequence[FeatureReference]) -> Histograms:
    """Join the references of features into histograms, whose binning then counts current values."""
    binning = Binning(tuple(one.bins for one in features))
    counts = np.zeros((len(features), binning.width), dtype=np.int64)
    for row, one in zip(counts, features, strict=True):
        row[1 : one.bins.size + 1], row[-2] = one.counts, one.missing
    return Histograms(binning, counts)


BINS = 20
TAIL = 0.001
"""The outermost share of each end of a number that has a bin of its own, where there are enough values."""


def measured(name: str, values: Floats) -> FeatureReference:
    """Measure a number's reference: about equal bins, the outermost 0.1% apart, or one bin for each of few values."""
    present = values[np.isfinite(values)]
    distinct = np.unique(present)
    missing = len(values) - len(present)
    if len(distinct) == 0:
        return numeric(name, (), (), missing)
    if len(distinct) > BINS:
        shares = np.linspace(0.0, 1.0, BINS + 1)
        if len(present) * TAIL >= 10:
            shares = np.sort(np.concatenate((shares, (TAIL, 1 - TAIL))))
        edges = np.unique(np.quantile(present, shares))
    else:
        edges = np.concatenate((distinct[:1], distinct[1:] / 2 + distinct[:-1] / 2, distinct[-1:]))
    return numeric(name, edges.tolist(), np.histogram(present, edges)[0].tolist(), missing)

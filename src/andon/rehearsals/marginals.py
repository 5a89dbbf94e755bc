"""The spread of one field: from the reference profile of a model version, or from recorded inputs."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from andon.models import CategoryProfile, NumericProfile

Vector = NDArray[np.float64]

FEW = 50
"""The most distinct values of a numeric field that is drawn from its values. With more, it is drawn from ranges."""


class Marginal(Protocol):
    """The spread of one field's values. Numbers in (0, 1) become values in the same order."""

    def values(self, uniform: Vector) -> list[Any]:
        """Return the values at these quantiles."""
        ...

    def code(self, value: Any) -> float:
        """Return a number that grows with the quantile of a value; NaN for an unknown value."""
        ...


@dataclass(frozen=True, slots=True)
class RangeMarginal:
    """Numbers between points, with the share of values below each point; linear between them."""

    points: Vector
    below: Vector

    def values(self, uniform: Vector) -> list[float]:
        """Invert the distribution function."""
        return list(np.interp(uniform, self.below, self.points).tolist())

    def code(self, value: Any) -> float:
        """Return the number itself."""
        return _number(value)


@dataclass(frozen=True, slots=True)
class ChoiceMarginal:
    """A list of values, each with its share."""

    choices: tuple[Hashable, ...]
    below: Vector
    """The share of the values up to and including each choice."""
    places: Mapping[Hashable, int]

    @classmethod
    def of(cls, counts: Mapping[Any, float]) -> "ChoiceMarginal":
        """Take values with their counts, in their order."""
        total = np.cumsum(np.array(list(counts.values()), dtype=np.float64))
        return cls(tuple(counts), total / total[-1], {value: at for at, value in enumerate(counts)})

    def values(self, uniform: Vector) -> list[Any]:
        """Return for each number the value whose part of (0, 1) holds it."""
        places = np.searchsorted(self.below, uniform, side="right")
        return [self.choices[at] for at in np.minimum(places, len(self.choices) - 1)]

    def code(self, value: Any) -> float:
        """Return the place of a value in the list."""
        return float(self.places.get(value, np.nan)) if isinstance(value, Hashable) else np.nan


def of_numbers(profile: NumericProfile) -> Marginal | None:
    """Read a numeric profile: its values if each bin holds a single one, else ranges. None if it is empty."""
    counts = np.array(profile.counts, dtype=np.float64)
    if counts.sum() == 0:
        return None
    edges = np.array(profile.edges)
    alone = _values_of_bins(edges)
    if alone is not None:
        return ChoiceMarginal.of(dict(zip(alone, counts, strict=True)))
    return RangeMarginal(edges, np.concatenate(([0.0], np.cumsum(counts))) / counts.sum())


def of_categories(profile: CategoryProfile) -> Marginal | None:
    """Read the spread in a profile of categories; None if it is empty."""
    return ChoiceMarginal.of(profile.counts) if sum(profile.counts.values()) else None


def of_recorded(values: Sequence[Any]) -> Marginal | None:
    """Find the spread of recorded values; None for texts that hardly repeat, and for nested values."""
    if not values or not all(isinstance(value, Hashable) for value in values):
        return None
    counted = Counter(values)
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if numeric and len(counted) > FEW:
        ordered = np.sort(np.array(values, dtype=np.float64))
        return RangeMarginal(ordered, (np.arange(len(ordered)) + 0.5) / len(ordered))
    if 2 * len(counted) > len(values) and len(values) > 1 and not numeric:
        return None
    choices = sorted(counted) if numeric else [value for value, _ in counted.most_common()]
    return ChoiceMarginal.of({value: counted[value] for value in choices})


def seconds_of(text: str) -> float:
    """Convert a time to seconds since 1970; without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def time_of(seconds: float) -> str:
    """Convert seconds since 1970 to a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _values_of_bins(edges: Vector) -> list[float] | None:
    """Return the values of bins with one value each: their inner edges lie midway between two. None for other bins."""
    if len(edges) == 0:
        return None
    if len(edges) == 1 or edges[0] == edges[-1]:
        return [float(edges[0])]
    values = [float(edges[0])]
    for edge in edges[1:-1]:
        values.append(2 * float(edge) - values[-1])
    alone = np.diff(values).min(initial=np.inf) > 0 and np.isclose(values[-1], edges[-1], rtol=1e-9)
    return values if alone else None


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan

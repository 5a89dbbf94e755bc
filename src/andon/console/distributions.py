"""Two distributions of an alert as bars: expected and observed, bin by bin or category by category."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640.0, 150.0
_GAP = 0.25
"""The part of a bin's width that is left free."""

_LABELLED = 8
"""Bins that get a label below them, at most."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in units of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class BinBars:
    """One bin: its name, both shares between 0 and 1, and their bars. `labelled`: its name is shown below it."""

    label: str
    expected: float
    observed: float
    bars: tuple[Bar, Bar]
    middle: float
    labelled: bool


def bins_of(detail: Mapping[str, Any]) -> Sequence[BinBars]:
    """Return the bins of an alert's detail; empty without them.

    The detail has `labels`, and the counts of each side as `reference` and `current`.
    """
    expected, observed, labels = _shares(detail.get("reference")), _shares(detail.get("current")), detail.get("labels")
    if not expected or not isinstance(labels, list) or not len(expected) == len(observed) == len(labels):
        return ()
    highest = max(*expected, *observed)
    step, every = WIDTH / len(labels), -(-len(labels) // _LABELLED)
    each = step * (1 - _GAP) / 2
    return [
        BinBars(
            str(label),
            one,
            other,
            (
                _bar(place * step + step * _GAP / 2, one, each, highest),
                _bar(place * step + step * _GAP / 2 + each, other, each, highest),
            ),
            round((place + 0.5) * step, 2),
            place % every == 0,
        )
        for place, (label, one, other) in enumerate(zip(labels, expected, observed, strict=True))
    ]


def others_of(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the rest of a detail, without the distributions."""
    return {name: value for name, value in detail.items() if name not in ("labels", "reference", "current")}


def _bar(x: float, share: float, width: float, highest: float) -> Bar:
    height = HEIGHT * share / highest if highest else 0.0
    return Bar(round(x, 2), round(HEIGHT - height, 2), round(width, 2), round(height, 2))


def _shares(given: Any) -> Sequence[float]:
    """Return counts or shares as shares; empty for other values."""
    if not isinstance(given, list) or not all(_is_count(one) for one in given):
        return ()
    total = float(sum(given))
    return [one / total if total else 0.0 for one in given]


def _is_count(one: Any) -> bool:
    return isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one < float("inf")

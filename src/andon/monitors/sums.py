"""Sums of windows: nested mappings and lists of numbers, merged by addition. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from andon.decisions import LATENCY_BAND
from andon.monitors.once import ONCE
from andon.monitors.once import merged as once_merged

Sums: TypeAlias = dict[str, Any]
"""Numbers by name, nested to any depth, as in JSON."""

MOST_KEYS = 300
"""The most rules, outcomes or reasons that are counted separately in a window; all others count as OTHER."""

OTHER = "(other)"

_BAND = math.log(LATENCY_BAND)


def added(one: Any, other: Any) -> Any:
    """Add two sums. Values in only one of them are kept."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        merged = dict(one)
        for key, value in other.items():
            if key == ONCE:
                merged[key] = once_merged(merged.get(key, {}), value)
            elif key in merged:
                merged[key] = added(merged[key], value)
            elif len(merged) < MOST_KEYS:
                merged[key] = value
            else:
                merged[OTHER] = added(merged[OTHER], value) if OTHER in merged else value
        return merged
    if isinstance(one, list) and isinstance(other, list):
        if len(one) == len(other):
            is_flat = not one or not isinstance(one[0], list | Mapping)  # a histogram: most of a window's numbers
            return [a + b if is_flat else added(a, b) for a, b in zip(one, other, strict=True)]
        return list(one if len(one) > len(other) else other)
    return one + other


def total(many: Iterable[Sums]) -> Sums:
    """Add many sums; empty if there are none."""
    merged: Sums = {}
    for one in many:
        merged = added(merged, one) if merged else one
    return merged


def counted(values: Iterable[str]) -> dict[str, int]:
    """Count equal values; beyond the most frequent ones they count as OTHER."""
    return limited(Counter(values))


def limited(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the most frequent values; all others together count as OTHER."""
    if len(counts) < MOST_KEYS:
        return dict(counts)
    kept = dict(Counter(counts).most_common(MOST_KEYS - 1))
    return {**kept, OTHER: sum(counts.values()) - sum(kept.values())}


def milliseconds(band: int) -> float:
    """Return the middle of a band in milliseconds."""
    return math.exp(_BAND * (band + 0.5)) / 1000


def quantile(bands: Mapping[str, int], share: float) -> int | None:
    """Return the band below or in which a share of the latencies lies; None if there are none."""
    count, reached = sum(bands.values()) * share, 0
    for band in sorted(map(int, bands)):
        reached += bands[str(band)]
        if reached >= count:
            return band
    return None


def slower(bands: Mapping[str, int], than: int) -> int:
    """Count the latencies of bands above one."""
    return sum(count for band, count in bands.items() if int(band) > than)


def shares(counts: Mapping[str, float], among: float) -> dict[str, float]:
    """Return each count as a share; empty if there is nothing to divide by."""
    return {name: count / among for name, count in counts.items()} if among else {}


def column(windows: Sequence[Sums], *path: str) -> list[float]:
    """Return one number of each window by its path; 0 where a window lacks it."""
    found = []
    for window in windows:
        value: Any = window
        for name in path:
            value = value.get(name, 0) if isinstance(value, Mapping) else 0
        found.append(float(value))
    return found

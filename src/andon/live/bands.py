"""Times counted in the ledger's bands of five percent: sparse, and exact when added up over processes. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log
from typing import TypeAlias

import numpy as np

from andon.decisions import LATENCY_BAND, latency_of

Bands: TypeAlias = Mapping[int, int]
"""Counts by band: band n holds times from LATENCY_BAND**n to LATENCY_BAND**(n+1) microseconds."""

_SCALE = 1 / log(LATENCY_BAND)


def bands_of(seconds: Sequence[float], counts: Sequence[int] | None = None) -> Counter[int]:
    """Return the bands of many times; less than a microsecond counts as one.

    `counts` holds the number of occurrences of each time; one by default.
    """
    us = np.maximum(np.asarray(seconds, dtype=np.float64) * 1e6, 1.0)
    found = np.bincount((np.log(us) * _SCALE).astype(np.int64), counts)
    bands = found.nonzero()[0]
    return Counter(dict(zip(bands.tolist(), found[bands].astype(np.int64).tolist(), strict=True)))


def percentiles(bands: Bands, shares: Sequence[float]) -> list[float | None]:
    """Return the time in milliseconds that each share (ascending) stays under, exact to half a band."""
    total, seen = sum(bands.values()), 0
    found: list[float | None] = []
    rising = iter(sorted(bands))
    band: int | None = None
    for share in shares:
        while total and (band is None or seen < share * total):
            band = next(rising)
            seen += bands[band]
        found.append(None if band is None else latency_of(band))
    return found

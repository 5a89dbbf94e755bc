"""Drift: what changes in the world, when, and how gradually."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulator.columns import Columns
from simulator.words import API, MOBILE, TAKEOVER

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Drift:
    """One change: its kind (a key of `DRIFTS`), its beginning after the start, and the time until it is complete."""

    kind: str
    after: timedelta
    over: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if self.kind not in DRIFTS:
            raise ValueError(f"There is no drift {self.kind!r}; there are {', '.join(DRIFTS)}")
        if self.after < timedelta(0) or self.over < timedelta(0):
            raise ValueError("A drift begins after the start and takes no negative time")

    def apply(self, columns: Columns, rng: Generator) -> None:
        """Change the columns in place: each transfer with the probability that the drift has reached by then."""
        begun = columns.at - self.after.total_seconds()
        reached = np.where(begun >= 0, 1.0, 0.0) if not self.over else np.clip(begun / self.over.total_seconds(), 0, 1)
        DRIFTS[self.kind](columns, rng.random(len(columns.at)) < reached, rng)


def _inflation(columns: Columns, changed: Mask, rng: Generator) -> None:
    """All amounts grow by half; what is fraud stays the same (covariate shift)."""
    del rng
    columns.amount[changed] *= 1.5


def _app_launch(columns: Columns, changed: Mask, rng: Generator) -> None:
    """Eight of ten transfers move to a new mobile app."""
    moved = changed & (rng.random(len(changed)) < 0.8)
    columns.channel[moved] = MOBILE


def _device_outage(columns: Columns, changed: Mask, rng: Generator) -> None:
    """Remove the device reading everywhere."""
    del rng
    columns.device_trust[changed] = np.nan


def _insider(columns: Columns, changed: Mask, rng: Generator) -> None:
    """Move takeovers to the API at office hours, at home and in small amounts: old signs fail (concept shift)."""
    hit = changed & (columns.scenario == TAKEOVER)
    n = int(hit.sum())
    columns.channel[hit] = API
    columns.device_trust[hit] = np.nan
    columns.country[hit] = columns.home[hit]
    columns.hour[hit] = rng.integers(8, 18, n)
    columns.amount[hit] = np.maximum(columns.amount[hit] * 0.1, 1.0)


DRIFTS: dict[str, Callable[[Columns, Mask, Generator], None]] = {
    "inflation": _inflation,
    "app-launch": _app_launch,
    "device-outage": _device_outage,
    "insider": _insider,
}

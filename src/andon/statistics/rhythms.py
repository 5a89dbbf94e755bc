"""The rhythm of a line: what each hour of a week is like, and how much more blocks of it vary than independent rows.

Weekdays, hours and bursts are no drift. A rhythm is known after two weeks, of live decisions or of reference rows with
their times: each of the 168 hours then has a mean of its own, and the variance of blocks of a hundred decisions, of
whole hours and of whole days shows how dependent decisions are (a long-run variance). UTC hours: a line that follows
local time has one odd hour a day after the clocks change.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from andon.statistics.histograms import Floats

HOUR, DAY, WEEK = 3600, 86_400, 604_800
HOURS = WEEK // HOUR

KNOWN_AFTER = 2 * WEEK
LEARNT_UNTIL = 8 * WEEK
"""A rhythm that is learnt from live decisions stays as it is after this."""

_FEWEST_HOURS = 48
"""The fewest hours that were seen again before a rhythm is known."""

FEWEST_DAYS = 4
"""The fewest days beyond the first of each weekday for a variance between days."""

LEAST_APART = 0.02
"""Weekdays and hours are taken to differ by at least so many standard deviations: less cannot be excluded."""

CHANCE = 0.01
"""Variance between days counts if chance had made it so large with less than this probability."""


class Rhythm:
    """Sums of linear statistics by hour of the week. Hours count once they are over."""

    def __init__(self, statistics: int) -> None:
        self.sums, self.counts = np.zeros((HOURS, statistics)), np.zeros(HOURS)
        self.visits = np.zeros(HOURS, dtype=np.int64)
        self.squares = np.zeros((2, statistics))
        """Sums of S^2 / n over hours and over days, without the open ones."""
        self.days = 0
        self.begun = self.until = -1
        self.hour = -1
        self.open = np.zeros((2, statistics + 1))
        """The open hour, and the hours of the open day that are over: their count, then their sums."""

    @property
    def known(self) -> bool:
        """Whether two weeks were seen, and enough hours again."""
        again = int(np.maximum(self.visits - 1, 0).sum())
        return self.begun >= 0 and self.until - self.begun >= KNOWN_AFTER and again >= _FEWEST_HOURS

    @property
    def rows(self) -> float:
        """The number of decisions behind it."""
        return float(self.counts.sum())

    @property
    def pace(self) -> float:
        """Decisions a week."""
        return self.rows * WEEK / max(self.until - self.begun, WEEK)

    def add(self, at: float, values: Floats) -> None:
        """Add decisions [rows, statistics] of one hour, not before those that were added."""
        hour = int(at // HOUR) * HOUR
        if self.begun < 0:
            self.begun = hour
        if hour != self.hour:
            self.close()
            if hour // DAY != self.hour // DAY and self.open[1, 0]:
                self.squares[1] += self.open[1, 1:] ** 2 / self.open[1, 0]
                self.days, self.open[1] = self.days + 1, 0.0
            self.hour = hour
        self.open[0, 0] += len(values)
        self.open[0, 1:] += values.sum(axis=0)

    def close(self) -> None:
        """End the open hour: from now on it is known."""
        count = self.open[0, 0]
        if count and self.hour - self.begun < LEARNT_UNTIL:
            here = hour_of_week(self.hour)
            self.sums[here] += self.open[0, 1:]
            self.counts[here] += count
            self.visits[here] += 1
            self.squares[0] += self.open[0, 1:] ** 2 / count
            self.open[1] += self.open[0]
            self.until = self.hour + HOUR
        self.open[0] = 0.0

    def expected(self, at: float, factor: Floats) -> tuple[Floats | None, Floats]:
        """Return the means expected in the hour of `at`, None if it was not seen twice, and how far they are trusted.

        Weekdays, hours of the day and single hours of the week are drawn to the mean of all as far as chance explains
        their differences (Efron and Morris 1973), but never as if they could not differ at all (LEAST_APART).
        """
        sums, counts = self.sums.reshape(7, 24, -1), np.maximum(self.counts.reshape(7, 24, 1), 1e-9)
        rows = max(self.rows, 1.0)
        middle = self.sums.sum(axis=0) / rows
        of_day, of_hour = counts.sum(axis=1), counts.sum(axis=0)
        weekday = sums.sum(axis=1) / of_day - middle
        hour = sums.sum(axis=0) / of_hour - middle
        single = np.where(counts >= 1, sums / counts - middle - weekday[:, None] - hour, 0.0)
        trust = []
        for squares, groups in (
            ((of_day * weekday**2).sum(axis=0), 7),
            ((of_hour * hour**2).sum(axis=0), 24),
            ((counts * single**2).sum(axis=(0, 1)), HOURS),
        ):
            free = groups - 1 if groups < HOURS else HOURS - 30
            apart = np.maximum((squares - free * factor) / rows, LEAST_APART**2)
            trust.append(apart / (apart + groups * factor / rows))
        day, of = divmod(hour_of_week(at), 24)
        if self.visits[hour_of_week(at)] < 2:
            return None, np.array(trust)
        return middle + trust[0] * weekday[day] + trust[1] * hour[of] + trust[2] * single[day, of], np.array(trust)

    def matched(self, n: float, a_week: float, trust: Floats) -> Floats:
        """Return the rows that a window of `n` decisions is compared with, on a line of `a_week` decisions a week."""
        days = 7 * n / max(a_week, 1.0)
        shares = (
            max(min(1.0, 1 / days) - 1 / 7, 0.0),
            max(1 / max(24 * days, 1.0) - 1 / 24, 0.0) if days < 1 else 1 / (96 * days**2),
            max(1 / max(24 * days, 1.0) - 1 / HOURS, 0.0),
        )
        more = sum(groups * share * one for groups, share, one in zip((7, 24, HOURS), shares, trust, strict=True))
        return np.asarray(max(self.rows, 1.0) / (1.0 + more))

    def variance(self) -> tuple[Floats, Floats]:
        """Return the variance factor of each statistic and its degrees of freedom.

        It is that between hours, or that between days where days vary more than chance explains.
        """
        from scipy.special import fdtrc

        seen = self.counts > 0
        freedom = max(float(self.visits.sum() - seen.sum()), 1.0)
        factor = self._within(0, self.sums[seen], self.counts[seen]) / freedom
        sums, counts = self.sums.reshape(7, 24, -1).sum(axis=1), self.counts.reshape(7, 24).sum(axis=1)
        some = counts > 0
        days = self.days + bool(self.open[1, 0]) - float(some.sum())
        if days < FEWEST_DAYS:
            return factor, np.full(len(factor), freedom)
        between = self._within(1, sums[some], counts[some]) / days
        more = fdtrc(days, freedom, between / np.maximum(factor, 1.0)) < CHANCE
        return np.where(more, between, factor), np.where(more, days, freedom)

    def to_json(self) -> dict[str, Any]:
        """Return what is known of all hours that are over, which changes once an hour."""
        return {name: getattr(self, name) for name in _KEPT}

    def resume(self, document: Mapping[str, Any]) -> None:
        """Continue from what `to_json` wrote."""
        for name in _KEPT:
            before = getattr(self, name)
            kept = np.array(document[name], before.dtype) if isinstance(before, np.ndarray) else int(document[name])
            setattr(self, name, kept)

    def _within(self, at: int, sums: Floats, counts: NDArray[np.float64]) -> Floats:
        whole = self.squares[at] + (self.open[1, 1:] ** 2 / self.open[1, 0] if at and self.open[1, 0] else 0.0)
        return np.asarray(np.maximum(whole - (sums**2 / counts[:, None]).sum(axis=0), 0.0))


_KEPT = ("sums", "counts", "visits", "squares", "days", "begun", "until")


def hour_of_week(at: float) -> int:
    """Return the hour of the week of a time in seconds since 1970."""
    return int(at // HOUR) % HOURS

"""A watch over all features of a stream: moving means of linear statistics, compared with the line's own rhythm.

Means of the last 200, 1,500 and 5,000 decisions are checked after every twenty (the longest after every hundred), and
whole weeks are compared with the reference. A finding is provisional until the rhythm is known, as an hour or a weekday
may be its cause. An unchanged line raises a finding that is not provisional within 90 days with a
probability of at most `false_alarm`, all features together. The chance that a moving mean of standard deviation 1
passes z is about T/W z phi(z) nu(z sqrt(2/w)), for T decisions, windows of W and of w steps (Siegmund and Venkatraman
1995); Student's t enters for the variance that is estimated.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, log2, pi, sqrt
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from andon.statistics.cell_values import MEAN, CellValues
from andon.statistics.histograms import Cells, Floats, Histograms
from andon.statistics.rhythms import DAY, HOUR, HOURS, WEEK, Rhythm

BLOCK = 20
"""Decisions in a block: a look at the shorter windows follows each."""

STEP = 5
"""Blocks in a step: the variance is that of steps, and a look at the longest window follows each."""

SHORT, MIDDLE, LONG = 10, 75, 250
"""Blocks in the three windows."""

PARTS = {SHORT: 0.15, MIDDLE: 0.55, LONG: 0.2}
"""The part of the level that each window has; weeks have the rest."""

WEEKS_PART = 0.1
MEANS_PART = 0.6
"""The part of the level that the means of numbers have; all other statistics have the rest."""

SMALLEST = 0.08
"""The smallest effect that matters, in standard deviations of the statistic."""

PERIOD_DAYS = 90
LEAST_A_DAY = 200

CENTRE = 25
"""The blocks whose mean the next ones are compared with for the variance."""

EXACT = 1e9
"""The degrees of freedom of a variance that is known."""

FEWEST_BLOCKS = 100
"""The blocks that show how dependent decisions are."""

ROUGH = 100.0
"""The degrees of freedom below which a variance is only roughly known."""

CHANCE = 0.01
"""A second estimate of a variance counts if chance makes it so much larger with less than this probability."""

SCREENED = 0.6
"""The part of a threshold from which a window is tested exactly."""

SEGMENT = 1000
"""What is known is read again after this many decisions, and at every hour."""

Times: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """A change of one feature, found at the time `at` after `decision`, which counts from 0, and begun about `since`.

    `effect` is the shift of the decisive statistic `test` over `decisions`, in standard deviations of the reference.
    `provisional` means that the line's rhythm is not known yet and may be the cause.
    """

    name: str
    test: str
    provisional: bool
    decision: int
    decisions: int
    at: float
    since: float
    effect: float
    z: float
    threshold: float
    false_alarm: float


class DriftWatch:
    """Watches a stream of decisions. It finds a change of a feature once, until `restart`."""

    def __init__(self, reference: Histograms, *, false_alarm: float = 0.05) -> None:
        self.values = CellValues.of(reference)
        self.names = reference.binning.names
        self._false_alarm = false_alarm
        count = len(self.values.tests)
        means = np.array([test == MEAN for test in self.values.tests], dtype=np.bool_)
        self._families = [(one, part) for one, part in ((means, MEANS_PART), (~means, 1 - MEANS_PART)) if one.any()]
        self.rhythm = Rhythm(count)
        self._learnt = False
        """Whether the rhythm is that of reference rows with their times."""
        self._centred = False
        """Whether decisions are compared with those of the same hour of earlier weeks."""
        self._before = np.zeros((2, count))
        """The variance of the reference's steps and its degrees of freedom."""
        self._variance = np.array([np.ones(count), np.full(count, EXACT)])
        """The variance in force and its degrees of freedom."""
        self._usual = self._variance
        """The same of provisional findings: only what chance does not explain adds to that of independent decisions."""
        self._seen, self._count, self._begun, self._last, self._hour = 0, 0, 0.0, 0.0, -1
        self._volume, self._a_week = float(LEAST_A_DAY * PERIOD_DAYS), 0.0
        self._expects, self._mean, self._trust = False, np.zeros(count), np.ones((3, count))
        """The means expected in this hour, and how far weekdays, hours and single hours are trusted."""
        self._rest = np.zeros(count + 1)
        self._blocks = np.zeros((MIDDLE, count), dtype=np.float32)
        self._block_at = np.zeros(MIDDLE)
        self._steps = np.zeros((LONG // STEP, count), dtype=np.float32)
        self._step_at = np.zeros(LONG // STEP)
        self._filled = np.zeros(count, dtype=np.int64)
        """Blocks since the start or the last restart of each statistic."""
        self._products = np.zeros((3, count))
        """Squares of blocks, products of successive ones, and their number, around the mean of the blocks before."""
        self._slow = np.array([np.zeros(count), np.ones(count)])
        """The variance between hours or days, as of the last whole week."""
        self._week = np.zeros(count + 2)
        """The end of the week that is under way; the count and sums of this week and of whole ones before it."""
        self._found = np.zeros((2, len(self.names)), dtype=np.bool_)
        """Provisional and other findings, by feature."""

    def learn(self, cells: Cells, times: Times) -> Self:
        """Learn the rhythm from reference rows with their times, in seconds since 1970, before the stream begins."""
        order = np.argsort(times, kind="stable")
        cells, times = cells[order], times[order]
        rhythm, values = Rhythm(len(self.values.tests)), self.values.of_rows(cells)
        for start, end in _hours(times):
            rhythm.add(times[start], values[start:end])
        rhythm.close()
        if rhythm.known:
            here = (times // HOUR).astype(np.int64) % HOURS
            values -= rhythm.sums[here] / np.maximum(rhythm.counts[here], 1.0)[:, None]
            whole = values[: len(values) // BLOCK * BLOCK]
            blocks = whole.reshape(-1, BLOCK, whole.shape[1]).sum(axis=1)
            self.rhythm, self._learnt = rhythm, True
            filled = np.broadcast_to(np.arange(1, len(blocks) + 1)[:, None], blocks.shape)
            self._before = np.array(_long_run(_products(blocks, filled)))
            self._slow = np.array(rhythm.variance())
            self._read_again()
        return self

    @property
    def hours(self) -> int:
        """The end of the last hour that the rhythm knows: it is to be stored again when this changes."""
        return self.rhythm.until

    @property
    def known(self) -> bool:
        """Whether the line's rhythm is known: findings are then no longer provisional."""
        return self._learnt or (self._centred and bool(self._products[2].max() >= FEWEST_BLOCKS))

    def observe(self, cells: Cells, times: Times) -> list[DriftFinding]:
        """Follow decisions [rows, features] with their times, in order. Return newly found changes."""
        found: list[DriftFinding] = []
        if not self.values.tests:
            return found
        times = np.maximum.accumulate(np.maximum(times, self._last))
        for start, end in _hours(times):
            while start < end:
                stop = min(end, start + SEGMENT - self._seen % SEGMENT)
                found += self._segment(cells[start:stop], times[start:stop])
                start = stop
        return found

    def restart(self, name: str) -> None:
        """Forget a feature's past, after its change was handled."""
        feature = self.names.index(name)
        self._found[:, feature] = False
        self._filled[self.values.features == feature] = 0

    def to_json(self) -> dict[str, Any]:
        """All that was seen, except for the hours of the rhythm that are over, as arrays and finite numbers."""
        rhythm = {"open": self.rhythm.open, "open_hour": self.rhythm.hour}
        return {name: getattr(self, f"_{name}") for name in _KEPT} | rhythm

    def resume(self, document: Mapping[str, Any], rhythm: Mapping[str, Any]) -> Self:
        """Continue from what `to_json` and the rhythm's `to_json` wrote for the same reference."""
        for name in _KEPT:
            before = getattr(self, f"_{name}")
            is_array = isinstance(before, np.ndarray)
            setattr(
                self, f"_{name}", np.array(document[name], before.dtype) if is_array else type(before)(document[name])
            )
        self.rhythm.resume(rhythm)
        self.rhythm.open, self.rhythm.hour = np.array(document["open"], dtype=float), int(document["open_hour"])
        return self

    def afresh(self) -> Self:
        """Forget all but the rhythm and what it says: another arm of the same model version begins."""
        self._filled[:] = 0
        self._found[:] = False
        self._rest[:] = self._week[1:] = 0.0
        self._week[0] = self._last + WEEK
        return self

    def _segment(self, cells: Cells, times: Times) -> list[DriftFinding]:
        """Follow decisions of one hour, with what was known at its beginning."""
        values, at = self.values.of_rows(cells), float(times[0])
        if not self._seen:
            self._begun = at
            self._week[0] = at + WEEK
        found: list[DriftFinding] = []
        if self._hour != at // HOUR or self._seen % SEGMENT == 0:
            self._hour = int(at // HOUR)
            found = self._turn(at)
        centred = self._learnt or self._centred
        mean = self._mean if self._expects else None
        if not self._learnt:
            self.rhythm.add(at, values)
        first = self._seen
        self._seen += len(values)
        self._last = float(times[-1])
        self._week[1] += len(values)
        self._week[2:] += values.sum(axis=0)
        if centred and mean is None:
            return found
        blocks, ends = self._into_blocks(values if mean is None else values - mean)
        return found + (self._look(blocks, first + ends, times[ends]) if len(blocks) else [])

    def _turn(self, at: float) -> list[DriftFinding]:
        """Read again what is known, and end a week that is over."""
        if not self._learnt and self.rhythm.hour != self._hour * HOUR:
            self.rhythm.close()
        if not (self._learnt or self._centred) and self.rhythm.known:
            self._centred = True
            self._filled[:] = 0
            self._rest[:] = 0.0
            self._products[:] = 0.0
            self._slow = np.array(self.rhythm.variance())
        self._read_again()
        return self._end_week(at) if at >= self._week[0] else []

    def _end_week(self, at: float) -> list[DriftFinding]:
        """Compare the whole weeks that are over with the reference, once the rhythm is known; else let them add up."""
        found = self._of_weeks(at) if self.known and self._week[1] else []
        late = at - self._week[0] > DAY
        if self.known or late:
            self._week[1:] = 0.0
        self._week[0] = at + WEEK if late else self._week[0] + WEEK
        if self.rhythm.known:
            self._slow = np.array(self.rhythm.variance())
        return found

    def _read_again(self) -> None:
        """Compute the variance and the pace that are in force until the next hour."""
        elapsed = max(self._last - self._begun, HOUR)
        a_day = max(self._seen / max(elapsed / DAY, 1.0), self.rhythm.pace / 7 if self._learnt else 0.0, LEAST_A_DAY)
        self._volume = PERIOD_DAYS * LEAST_A_DAY * 2.0 ** (ceil(2 * log2(a_day / LEAST_A_DAY)) / 2)
        self._a_week = max(self.rhythm.pace, self._seen / elapsed * WEEK if self._learnt else 0.0)
        count = len(self.values.tests)
        now = np.array([np.ones(count), np.full(count, EXACT)])
        live = _long_run(self._products)
        self._usual = self._variance = _larger(now, live, by=CHANCE)
        if self.known:
            self._usual = _larger(self._usual, self._slow, by=CHANCE)
            now = _larger(now, self._before if self._learnt else live)
            now = _larger(now, live, by=CHANCE) if self._learnt else now
            self._variance = _larger(now, self._slow, by=CHANCE)
        if self._learnt or self._centred:
            mean, self._trust = self.rhythm.expected(self._hour * HOUR, self._variance[0])
            self._expects = mean is not None
            self._mean = np.zeros(count) if mean is None else mean

    def _into_blocks(self, values: Floats) -> tuple[Floats, NDArray[np.intp]]:
        """Return the sums of the blocks that decisions fill, and the last decision of each."""
        open_ = int(self._rest[-1])
        starts = np.arange(BLOCK - open_, len(values), BLOCK)
        sums = np.add.reduceat(values, np.concatenate(([0], starts)).astype(np.intp), axis=0)
        sums[0] += self._rest[:-1]
        full, rest = divmod(open_ + len(values), BLOCK)
        self._rest[:-1], self._rest[-1] = (sums[-1], rest) if rest else (0.0, 0.0)
        return sums[:full], np.arange(full) * BLOCK + BLOCK - open_ - 1

    def _look(self, blocks: Floats, ends: NDArray[np.intp], times: Times) -> list[DriftFinding]:
        """Check the windows after each block, the longest after each step."""
        filled = self._filled + np.arange(1, len(blocks) + 1)[:, None]
        all_, at = np.concatenate((self._blocks.astype(float), blocks)), np.concatenate((self._block_at, times))
        running = _running(all_)
        found: list[DriftFinding] = []
        for window in (SHORT, MIDDLE):
            found += self._passed(_Looks(all_, at, running, window, 1), filled, ends, times)
        self._products += _products(all_, filled)
        whole = np.flatnonzero((self._count + np.arange(1, len(blocks) + 1)) % STEP == 0)
        if len(whole):
            last = MIDDLE + whole + 1
            past = np.concatenate((self._steps.astype(float), running[last] - running[last - STEP]))
            step_at = np.concatenate((self._step_at, times[whole]))
            looks = _Looks(past, step_at, _running(past), LONG // STEP, STEP)
            found += self._passed(looks, filled[whole], ends[whole], times[whole])
            self._steps, self._step_at = past[-LONG // STEP :].astype(np.float32), step_at[-LONG // STEP :]
        self._blocks, self._block_at = all_[-MIDDLE:].astype(np.float32), at[-MIDDLE:]
        self._filled, self._count = filled[-1].copy(), self._count + len(blocks)
        return found

    def _passed(
        self, looks: "_Looks", filled: NDArray[np.int64], ends: NDArray[np.intp], times: Times
    ) -> list[DriftFinding]:
        """Return the features whose window is too far from the reference, each at its first such look."""
        n, state = looks.window * looks.blocks * BLOCK, int(self.known)
        means = looks.sums(len(ends)) / n
        near = (filled >= looks.window * looks.blocks) & (np.abs(means) >= SMALLEST)
        near &= ~self._found[state, self.values.features]
        found: list[DriftFinding] = []
        if not near.any():
            return found
        known, factor = self._known_rows(n), self._usual[0]
        z = np.abs(means) / np.sqrt(factor * (1 / n + 1 / known))
        for members, part in self._families:
            level = self._false_alarm * part * PARTS[looks.window * looks.blocks]
            limit = threshold(level, self._volume, n, looks.blocks, int(members.sum()))
            for row, at in np.argwhere(near & members & (z >= SCREENED * limit)).tolist():
                passed = self._exceeds(at, float(means[row, at]), n, known[at], limit)
                if passed is not None:
                    since, length = looks.since(row, len(ends), at)
                    place = int(ends[row]), length, float(times[row]), since
                    found.append(self._finding(at, place, means[row, at], passed, limit))
        return found

    def _exceeds(self, at: int, mean: float, n: int, known: float, limit: float) -> tuple[float, bool] | None:
        """Standardise a mean that passes the limit, and note it. Return it, and whether that is provisional; or None.

        While the variance is only roughly known, what it does not bear out is still shown.
        """
        feature = int(self.values.features[at])
        ways = [(self._variance, False)] if self.known else []
        if not self.known or self._variance[1, at] < ROUGH:
            ways.append((self._usual, True))
        for (factor, freedom), provisional in ways:
            if self._found[int(not provisional), feature]:
                return None
            exact = as_normal(self.values.z(at, mean, n, known, factor[at]), freedom[at])
            if abs(exact) >= limit:
                self._found[: 1 + (not provisional), feature] = True
                return exact, provisional
        return None

    def _of_weeks(self, at: float) -> list[DriftFinding]:
        """Compare whole weeks with the reference, whatever the rhythm within them."""
        n, means = float(self._week[1]), self._week[2:] / self._week[1]
        factor, freedom = self._variance
        rows = self.values.rows
        limit = normal_quantile(self._false_alarm * WEEKS_PART * WEEK / (PERIOD_DAYS * DAY) / len(means) / 2)
        z = np.abs(means) / np.sqrt(factor * (1 / n + 1 / rows))
        found = []
        for one in np.flatnonzero((np.abs(means) >= SMALLEST) & (z >= SCREENED * limit)).tolist():
            feature = int(self.values.features[one])
            exact = as_normal(self.values.z(one, float(means[one]), n, rows[one], factor[one]), freedom[one])
            if abs(exact) >= limit and not self._found[1, feature]:
                self._found[1, feature] = True
                place = self._seen - 1, int(n), at, float(self._week[0]) - n / max(self._seen, 1) * (at - self._begun)
                found.append(self._finding(one, place, means[one], (exact, False), limit))
        return found

    def _known_rows(self, n: int) -> Floats:
        """Return the number of rows that a window of `n` decisions is compared with: those of the same hours."""
        if not (self._learnt or self._centred):
            return self.values.rows
        return self.rhythm.matched(n, self._a_week, self._trust)

    def _finding(
        self, at: int, place: tuple[int, int, float, float], effect: float, passed: tuple[float, bool], limit: float
    ) -> DriftFinding:
        decision, decisions, when, since = place
        name, test, (z, provisional) = self.names[self.values.features[at]], self.values.tests[at], passed
        return DriftFinding(
            name, test, provisional, decision, decisions, when, since, float(effect), z, limit, self._false_alarm
        )


@dataclass(frozen=True, slots=True)
class _Looks:
    """Blocks or steps with the times of their ends, their running sums, and the window that is looked at."""

    all: Floats
    at: Times
    running: Floats
    window: int
    blocks: int
    """The blocks of each item: 1, or STEP."""

    def sums(self, looks: int) -> Floats:
        """Return the sums of the last windows."""
        return (self.running[self.window :] - self.running[: -self.window])[-looks:]

    def since(self, row: int, looks: int, at: int) -> tuple[float, int]:
        """Estimate when the change that a look found began, and the decisions since then (a likelihood ratio)."""
        end = len(self.all) - looks + row + 1
        own = self.all[end - self.window : end, at]
        tails = np.cumsum(own[::-1]) / np.sqrt(np.arange(1, self.window + 1))
        length = int(np.argmax(np.abs(tails))) + 1
        begin = end - length
        return float(self.at[begin]), length * self.blocks * BLOCK


_KEPT = (
    "learnt",
    "centred",
    "before",
    "variance",
    "usual",
    "seen",
    "count",
    "begun",
    "last",
    "hour",
    "volume",
    "a_week",
    "expects",
    "mean",
    "trust",
    "rest",
    "blocks",
    "block_at",
    "steps",
    "step_at",
    "filled",
    "products",
    "slow",
    "week",
    "found",
)


@lru_cache(maxsize=2000)
def threshold(false_alarm: float, decisions: float, window: int, blocks: int, statistics: int) -> float:
    """Compute the z that any of the statistics passes with this probability within a period of unchanged decisions."""
    low, high = 2.0, 30.0
    for _ in range(50):
        z = (low + high) / 2
        density = exp(-z * z / 2) / sqrt(2 * pi)
        overshoot = exp(-0.583 * z * sqrt(2 * blocks * BLOCK / window))  # Siegmund's nu, to two digits
        looks = max(decisions / window, 1.0) * z * z * overshoot + 1
        passed = 2 * statistics * density / z * looks
        low, high = (z, high) if passed > false_alarm else (low, z)
    return high


def as_normal(t: float, freedom: float) -> float:
    """Return the normal value that is as improbable as a value of Student's t (Wallace 1959)."""
    size = (8 * freedom + 1) / (8 * freedom + 3) * sqrt(freedom * np.log1p(t * t / freedom))
    return size if t > 0 else -size


def normal_quantile(share: float) -> float:
    """Return the z above which a standard normal value lies with this probability."""
    from scipy.special import ndtri

    return float(-ndtri(share))


def _products(blocks: Floats, filled: NDArray[np.int64]) -> Floats:
    """Sum squares of the last blocks and products with their predecessors, around the mean of the CENTRE before both.

    `filled` blocks of each statistic came since its start, for as many of the last blocks.
    """
    ends = np.arange(max(len(blocks) - len(filled), CENTRE + 1), len(blocks))
    used = filled[ends - len(blocks) + len(filled)] > CENTRE + 1
    running = _running(blocks)
    middle = (running[ends - 1] - running[ends - 1 - CENTRE]) / CENTRE
    now, before = blocks[ends] - middle, blocks[ends - 1] - middle
    return np.array([(now**2 * used).sum(axis=0), (now * before * used).sum(axis=0), used.sum(axis=0)])


def _long_run(products: Floats) -> tuple[Floats, Floats]:
    """Return the variance of a block within a long sum as a factor, 0 if unknown, and its degrees of freedom.

    It is that of a block and twice its covariance with the next one; the mean around which both are taken adds to each.
    """
    squares, pairs, number = products
    factor = (squares + 2 * pairs) / np.maximum(number, 1.0) / BLOCK / (1 + 3 / CENTRE)
    return np.where(number >= FEWEST_BLOCKS / 2, np.maximum(factor, 0.0), 0.0), np.maximum(number / 3.4, 1.0)


def _larger(one: Floats, other: tuple[Floats, Floats] | Floats, by: float = 1.0) -> Floats:
    """Return the larger variance of each statistic with its degrees of freedom.

    The other counts only if chance explains such a ratio with less than the probability `by`.
    """
    from scipy.special import fdtrc

    factor, freedom = other
    more = factor > one[0]
    if by < 1.0:
        more &= fdtrc(freedom, np.minimum(one[1], 1e6), factor / one[0]) < by
    return np.where(more, np.array([factor, freedom]), one)


def _running(values: Floats) -> Floats:
    return np.concatenate((np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)))


def _hours(times: Times) -> Iterator[tuple[int, int]]:
    """Cut decisions where another hour begins."""
    if len(times):
        cuts = (np.flatnonzero(np.diff(times // HOUR)) + 1).tolist()
        yield from zip([0, *cuts], [*cuts, len(times)], strict=True)

"""Alarms of drift on lines of `nature_features`: none on ninety quiet days, and soon after a real shift."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

from numpy.random import Generator

from benchmarks.nature_drift import DriftWatch
from benchmarks.nature_features import QuietLine, Rows

DAYS = 90
SHIFT = 0.2
WITHIN = 1_500


def alarms(line: QuietLine, rng: Generator) -> bool:
    """Watch a quiet line until its first alarm, for ninety days at most. Tell whether there was one."""
    watch = DriftWatch(line.history(rng), line.a_day)
    rows = line.rows(rng, 0, DAYS)
    ends = rows.at.searchsorted(range(DAYS + 1))
    return any(watch.day(_part(rows, ends[at], ends[at + 1])) is not None for at in range(DAYS))


def misses(line: QuietLine, quiet_days: int, rng: Generator, *, provisional: bool) -> bool | None:
    """Tell whether a shift is not found within `WITHIN` decisions; None if there was an alarm before it."""
    watch = DriftWatch(line.history(rng), line.a_day)
    for day in range(quiet_days):
        if watch.day(line.rows(rng, day, 1), provisional=provisional) is not None:
            return None
    shifted = line.rows(rng, quiet_days, 3, shift=SHIFT)
    begun = int(rng.integers(line.a_day))
    before = line.rows(rng, quiet_days, 3)
    shifted.features[:begun], shifted.scores[:begun] = before.features[:begun], before.scores[:begun]
    ends = shifted.at.searchsorted(range(quiet_days, quiet_days + 4))
    for start, end in pairwise(ends):
        found = watch.day(_part(shifted, start, end), provisional=provisional)
        if found is not None:
            delay = int(start) + found + 1 - begun
            return None if delay <= 0 else delay > WITHIN
    return True


def _part(rows: Rows, start: int, end: int) -> Rows:
    return Rows(rows.at[start:end], rows.features[start:end], rows.scores[start:end])


QUIET: Mapping[str, QuietLine] = {
    "independent": QuietLine(),
    "weekend +0.05 sd": QuietLine(weekend=0.05),
    "weekend +0.15 sd": QuietLine(weekend=0.15),
    "weekend +0.3 sd": QuietLine(weekend=0.3),
    "day curve of 0.2 sd": QuietLine(hours=0.2),
    "AR(1) of 0.1": QuietLine(memory=0.1),
    "AR(1) of 0.3": QuietLine(memory=0.3),
    "AR(1) of 0.6": QuietLine(memory=0.6),
    "bursts of 3": QuietLine(burst=3),
}
FOUND: Mapping[str, Callable[[Generator], bool | None]] = {
    "0.2 sd after 15 quiet days, shown": partial(misses, QuietLine(), 15, provisional=True),
    "0.2 sd after 60 quiet days, an alarm": partial(misses, QuietLine(), 60, provisional=False),
}
"""Shifts of one feature on a quiet line, of which 95 in 100 are to be found within `WITHIN` decisions."""

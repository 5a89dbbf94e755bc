"""The time at which windows see an input: that of its event, within bounds on both sides. Pure.

An event older than the allowed lateness on arrival is not placed, since the tiles of its time may be gone: its own
decision sees the windows as of the earliest retained moment, and itself in them. An event further in the future than
the allowed clock skew is placed at its arrival.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

SKEW = 60.0
"""Seconds by which the clock of an event's sender may be ahead of ours."""

LATE, FUTURE = "late", "future"


class Times(NamedTuple):
    """For each input when windows see it, in seconds since 1970; which are not placed there, by row, and why."""

    at: list[float]
    misplaced: dict[int, str]


def times_of(at: Sequence[datetime], asked: Sequence[datetime] | None, lateness: float) -> Times:
    """Return when windows see inputs that happened at `at` and arrived at `asked`; None means on happening."""
    seconds = [moment.timestamp() for moment in at]
    if asked is None:
        return Times(seconds, {})
    misplaced = {}
    for number, came in enumerate(asked):
        if came is at[number]:  # as of most events of a broker
            continue
        ahead = seconds[number] - came.timestamp()
        if ahead > SKEW:
            seconds[number] = came.timestamp()
            misplaced[number] = FUTURE
        elif -ahead > lateness:
            seconds[number] = came.timestamp() - lateness
            misplaced[number] = LATE
    return Times(seconds, misplaced)

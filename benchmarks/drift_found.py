"""Results of a detector on the episodes: drifts in time, false alarms before them, F1. Pure.

A drift counts as found when any alarm falls between its start and its end plus the delay. Every alarm
before the start is false; later alarms for a drift that was found do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.drift_streams import Episode


@dataclass(frozen=True, slots=True)
class Found:
    """Counts over all episodes. `quiet` are the rows before the drifts, `disturbed` the episodes with a false alarm."""

    episodes: int
    found: int
    false_alarms: int
    disturbed: int
    quiet: int
    delays: tuple[float, ...]

    @property
    def recall(self) -> float:
        """The share of drifts that were found in time."""
        return self.found / self.episodes if self.episodes else 0.0

    @property
    def precision(self) -> float:
        """The share of reports that were a drift."""
        reported = self.found + self.false_alarms
        return self.found / reported if reported else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def false_a_thousand(self) -> float:
        """False alarms for each thousand quiet rows."""
        return 1000 * self.false_alarms / self.quiet if self.quiet else 0.0


def judge(episodes: Sequence[Episode], alarms: Sequence[Sequence[int]]) -> Found:
    """Count; `alarms` holds indices of watched rows for each episode."""
    found = false_alarms = disturbed = quiet = 0
    delays = []
    for episode, own in zip(episodes, alarms, strict=True):
        places = sorted({int(episode.places[at]) for at in own})
        early = [place for place in places if place < episode.start]
        in_time = [place for place in places if episode.start <= place <= episode.end + episode.delay]
        false_alarms += len(early)
        disturbed += bool(early)
        quiet += int((episode.places < episode.start).sum())
        if in_time:
            found += 1
            delays.append((in_time[0] - episode.start) / episode.delay)
    return Found(len(episodes), found, false_alarms, disturbed, quiet, tuple(delays))

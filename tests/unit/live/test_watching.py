"""What a decider tells is counted whole, passed on unchanged, and never kept as decisions."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from andon.decisions import BatchReport
from andon.live import LiveWatch
from andon.live.watching import _AT_ONCE
from bands import band_of
from reports import a_decision, a_report


@dataclass
class Heard:
    """A watcher that remembers."""

    told: list[object] = field(default_factory=list)

    def batch(self, reports: Sequence[BatchReport]) -> None:
        self.told.append(reports)

    def failed(self, transient: bool, requests: int) -> None:
        self.told.append((transient, requests))

    def expired(self, automation: str, requests: int) -> None:
        self.told.append((automation, requests))

    def shadowed(self, automation: str, run: int, dropped: int) -> None:
        self.told.append((automation, run, dropped))


def test_batches_are_counted_by_version_and_stage() -> None:
    watch = LiveWatch(Heard())
    watch.batch([a_report([a_decision()] * 3, fallbacks={"ENDPOINT_BUSY": 1}), a_report([a_decision()], version=4)])
    watch.batch([a_report([a_decision()] * 2)])
    window, now = watch.counted({})
    third, fourth = window.arms(now)
    assert (third.version, third.decisions, third.fallbacks) == (3, 5, {"ENDPOINT_BUSY": 1})
    assert (fourth.version, fourth.decisions) == (4, 1)
    assert third.stages == {
        "queue": {band_of(0.004): 5},
        "features": {band_of(0.001): 5},
        "predict": {band_of(0.002): 5},
        "policy": {band_of(0.0005): 5},
        "record": {band_of(0.0015): 5},
        "whole": {band_of(0.009): 5},
    }


def test_counting_before_anybody_asks_loses_nothing_and_holds_little() -> None:
    watch = LiveWatch(Heard())
    for _ in range(_AT_ONCE // 50 * 3):
        watch.batch([a_report([a_decision()] * 50)])
        assert watch._held < _AT_ONCE
    window, now = watch.counted({})
    assert window.arms(now)[0].decisions == _AT_ONCE // 50 * 3 * 50


def test_everything_is_passed_on() -> None:
    heard = Heard()
    watch = LiveWatch(heard)
    reports = [a_report([a_decision()])]
    watch.batch(reports)
    watch.failed(True, 3)
    watch.expired("payments", 2)
    watch.shadowed("payments", 5, 1)
    assert heard.told == [reports, (True, 3), ("payments", 2), ("payments", 5, 1)]
    window, now = watch.counted({})
    (line,) = window.lines(now)
    assert (line.expired, line.shadowed, line.not_shadowed, window.lost(now)) == (2, 5, 1, 3)


def test_refusals_are_counted_since_the_last_look() -> None:
    watch = LiveWatch(Heard())
    watch.counted({("payments", "queue"): 4.0})
    window, now = watch.counted({("payments", "queue"): 9.0, ("payments", "rate"): 1.0})
    assert window.lines(now)[0].refused == {"queue": 9, "rate": 1}

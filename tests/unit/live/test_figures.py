"""What several processes say comes to exactly what one would have said who saw everything."""

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.live import (
    ArmCounts,
    LineCounts,
    Pool,
    Process,
    Status,
    WaitingCounts,
    figures,
    line_counts,
    percentiles,
    pools,
    waiting,
)
from andon.live.bands import bands_of
from andon.serving import PoolStatus
from bands import band_of

NOW = datetime(2026, 11, 25, tzinfo=UTC)
times = st.lists(st.floats(1e-6, 60.0), min_size=1, max_size=80)


def a_process(*arms: ArmCounts, seconds: float = 60.0, **more: object) -> Process:
    return Process(UUID(int=1), "gateway", "here", 7, "0.1.0", NOW, NOW, Status(seconds, arms=arms, **more))  # type: ignore[arg-type]


def an_arm(seconds: list[float], version: int = 1, automation: str = "payments", **fallbacks: int) -> ArmCounts:
    return ArmCounts(automation, "fraud-risk", version, len(seconds), {"whole": bands_of(seconds)}, fallbacks)


@given(st.lists(times, min_size=1, max_size=6))
def test_figures_are_the_same_however_the_decisions_are_spread_over_processes(apart: list[list[float]]) -> None:
    merged = figures([a_process(an_arm(seconds)) for seconds in apart], lambda _: True)
    whole = figures([a_process(an_arm([each for seconds in apart for each in seconds]))], lambda _: True)
    assert merged.latency() == whole.latency()
    assert merged.decisions == whole.decisions == sum(map(len, apart))
    assert merged.per_second == pytest.approx(whole.per_second)


@given(times, st.floats(0.01, 0.99))
def test_a_percentile_is_within_half_a_band_of_the_nearest_rank(seconds: list[float], share: float) -> None:
    (found,) = percentiles(bands_of(seconds), (share,))
    ranked = sorted(seconds)
    exact = next(value for seen, value in enumerate(ranked, start=1) if seen >= share * len(ranked)) * 1000
    assert found == pytest.approx(exact, rel=0.026)


@given(times)
def test_many_times_fall_into_the_bands_that_each_would(seconds: list[float]) -> None:
    assert bands_of(seconds) == Counter(map(band_of, seconds))


def test_nothing_and_less_than_nothing_counts_as_a_microsecond() -> None:
    assert bands_of([0.0, -1e-9]) == Counter({0: 2})
    assert band_of(-1.0) == 0


def test_only_the_arms_asked_for_are_added_up() -> None:
    processes = [
        a_process(an_arm([0.001] * 9, 1, PREDICTION_FAILED=2), an_arm([0.5], 2)),
        a_process(an_arm([0.001], 1, PREDICTION_FAILED=1), seconds=10),
    ]
    first = figures(processes, lambda arm: arm.version == 1)
    assert (first.decisions, first.fallbacks) == (10, {"PREDICTION_FAILED": 3})
    assert first.per_second == pytest.approx(9 / 60 + 1 / 10)
    latency = first.latency()
    assert latency.p99 == pytest.approx(1.0, rel=0.05)
    assert figures(processes, lambda arm: arm.version == 3).latency().p50 is None


def test_a_process_that_has_just_started_has_no_fantastic_rate() -> None:
    assert figures([a_process(an_arm([0.001] * 5), seconds=0.0)], lambda _: True).per_second == 5


def test_what_waits_and_what_was_sent_away_is_added_up_over_processes() -> None:
    processes = [
        a_process(
            waiting={"payments": WaitingCounts(1, 2, 3)},
            lines=(LineCounts("payments", 5, 1, 0, {"queue": 2, "rate": 1}),),
        ),
        a_process(waiting={"payments": WaitingCounts(bulk=4)}, lines=(LineCounts("payments", 1, 0, 7, {"queue": 1}),)),
        a_process(waiting={"refunds": WaitingCounts(9)}, lines=(LineCounts("refunds", 9),)),
    ]
    assert waiting(processes, ["payments"]) == WaitingCounts(1, 2, 7)
    assert waiting(processes, ["payments", "refunds"]).total == 19
    assert line_counts(processes, "payments") == LineCounts("payments", 6, 1, 7, {"queue": 3, "rate": 1})


def test_the_processes_of_a_version_are_added_up_over_gateways_and_the_worst_is_told() -> None:
    one = PoolStatus(ready=2, busy=1, restarts=1, incidents={"crashed": 1}, cold_start_seconds=0.5, rss_bytes=100)
    other = PoolStatus(
        ready=1, starting=1, queued=4, incidents={"crashed": 2, "leaked": 1}, last_incident="leaked", breaker="open"
    )
    processes = [
        a_process(pools=(Pool("fraud-risk", 2, one), Pool("churn", 1, one))),
        a_process(pools=(Pool("fraud-risk", 2, other), Pool("fraud-risk", 3, PoolStatus(breaker="half_open")))),
    ]
    second, third = pools(processes, "fraud-risk")
    assert (second.version, third.version, third.status.breaker) == (2, 3, "half_open")
    assert second.status == PoolStatus(
        ready=3,
        starting=1,
        busy=1,
        queued=4,
        restarts=1,
        incidents={"crashed": 3, "leaked": 1},
        last_incident="leaked",
        cold_start_seconds=0.5,
        rss_bytes=100,
        breaker="open",
    )

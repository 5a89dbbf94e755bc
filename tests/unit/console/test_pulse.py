"""The overview's figures: right over any split of time, and exact to half a band."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from math import floor, log

from hypothesis import given
from hypothesis import strategies as st

from andon.console.pulse import SPAN, STEP, figures, series, step_of
from andon.decisions import DecisionTally, latency_of
from andon.decisions.domain import LATENCY_BAND
from andon.live import percentiles

NOW = datetime(2026, 11, 24, 12, 0, 3, tzinfo=UTC)


def a_tally(at: datetime, latencies_us: list[int], automatic: int = 0, automation: str = "line") -> DecisionTally:
    bands = Counter(floor(log(us) / log(LATENCY_BAND)) for us in latencies_us)
    return DecisionTally(at, automation, len(latencies_us), automatic, bands)


@given(st.lists(st.integers(100, 10_000_000), min_size=1, max_size=200), st.floats(0.01, 0.99))
def test_a_percentile_is_within_half_a_band_of_the_nearest_rank(latencies: list[int], share: float) -> None:
    (found,) = percentiles(Counter(a_tally(NOW, latencies).latencies), (share,))
    ranked = sorted(latencies)
    exact = next(value for seen, value in enumerate(ranked, start=1) if seen >= share * len(ranked)) / 1000
    assert found is not None
    assert abs(found / exact - 1) <= (LATENCY_BAND - 1) / 2 + 0.01


@given(st.lists(st.lists(st.integers(100, 100_000), min_size=1, max_size=20), min_size=1, max_size=20))
def test_figures_are_the_same_however_the_decisions_are_spread_over_steps(steps: list[list[int]]) -> None:
    apart = figures([a_tally(NOW, latencies, automatic=1) for latencies in steps], SPAN)
    whole = figures([a_tally(NOW, [us for latencies in steps for us in latencies], automatic=len(steps))], SPAN)
    assert apart == whole


def test_nothing_decided_has_no_latency_and_no_share() -> None:
    quiet = figures([], SPAN)
    assert (quiet.decisions, quiet.per_second, quiet.p99, quiet.automatic_share) == (0, 0.0, None, None)


def test_the_plot_covers_the_span_and_leaves_out_the_step_that_is_not_over() -> None:
    over, running = step_of(NOW) - STEP, step_of(NOW)
    columns = series([a_tally(over, [5000] * 10), a_tally(running, [5000] * 99)], NOW)
    assert len(columns["at"]) == SPAN / STEP
    assert columns["at"][-1] == over.timestamp()
    assert columns["rate"][-1] == 2.0
    assert columns["rate"][0] == 0.0
    assert columns["p99"][0] is None
    assert columns["p99"][-1] == round(latency_of(floor(log(5000) / log(LATENCY_BAND))), 3)


def test_steps_are_counted_from_1970() -> None:
    assert step_of(NOW) == NOW.replace(second=0)
    assert step_of(NOW + timedelta(seconds=2)) == NOW.replace(second=5)

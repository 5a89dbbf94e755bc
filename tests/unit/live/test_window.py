"""The window holds the last minute and forgets what is older, slot by slot."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.live.window import SLOT, SLOTS, MinuteCounts
from bands import band_of

ARM = ("payments", "fraud-risk", 1)
LENGTH = SLOT * SLOTS


@given(st.lists(st.tuples(st.floats(0, 40), st.integers(1, 50)), max_size=40))
def test_what_is_counted_is_what_came_within_the_seconds_it_says(steps: list[tuple[float, int]]) -> None:
    window, now, came = MinuteCounts(1000.0), 1000.0, []
    for pause, count in steps:
        now += pause
        came.append((now, count))
        window.add_decisions(now, ARM, count, {})
    covered = window.seconds(now)
    assert covered <= LENGTH + SLOT
    expected = sum(count for at, count in came if at >= now - covered - 1e-6)
    assert sum(arm.decisions for arm in window.arms(now)) == expected


def test_times_are_counted_by_stage_and_forgotten_after_a_minute() -> None:
    window = MinuteCounts(0.0)
    window.add_times(1.0, ARM, "whole", [0.001, 0.001, 0.01])
    window.add_times(1.0, ARM, "predict", [0.0005, 0.002], [3, 1])
    window.add_decisions(1.0, ARM, 3, {"BUDGET_SPENT": 1})
    (arm,) = window.arms(30.0)
    assert arm.stages == {
        "whole": Counter({band_of(0.001): 2, band_of(0.01): 1}),
        "predict": Counter({band_of(0.0005): 3, band_of(0.002): 1}),
    }
    assert (arm.automation, arm.model, arm.version, arm.fallbacks) == (*ARM, {"BUDGET_SPENT": 1})
    assert window.arms(1.0 + LENGTH + SLOT) == ()


def test_what_happens_beside_deciding_is_kept_by_automation() -> None:
    window = MinuteCounts(0.0)
    window.add_to_line(1.0, "payments", "shadowed", 4)
    window.add_to_line(8.0, "payments", "expired", 2)
    window.add_refused(8.0, "refunds", "queue", 3)
    window.add_lost(8.0, 5)
    payments, refunds = window.lines(9.0)
    assert (payments.shadowed, payments.not_shadowed, payments.expired, payments.refused) == (4, 0, 2, {})
    assert (refunds.automation, refunds.refused) == ("refunds", {"queue": 3})
    assert window.lost(9.0) == 5
    assert window.lost(9.0 + LENGTH + SLOT) == 0


def test_a_window_that_has_just_begun_covers_little() -> None:
    assert MinuteCounts(100.0).seconds(103.0) == pytest.approx(3.0)
    assert LENGTH <= MinuteCounts(0.0).seconds(1000.0) < LENGTH + SLOT

"""Features that are windows are not compared before their span has passed; the score waits for the longest."""

from datetime import UTC, datetime, timedelta

from andon.authoring import Monitors
from andon.monitors.watching import WatchedAutomation

BEGAN = datetime(2026, 12, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_each_feature_waits_for_its_own_window_and_the_score_for_the_longest() -> None:
    watched = WatchedAutomation("payments", Monitors(), fills={"amount_sum_1h": HOUR, "amount_sum_24h": DAY})
    assert watched.full_at("amount_sum_1h", BEGAN) == BEGAN + HOUR
    assert watched.full_at("amount_sum_24h", BEGAN) == BEGAN + DAY
    assert watched.full_at("country", BEGAN) == BEGAN
    assert watched.full_at(None, BEGAN) == BEGAN + DAY


def test_without_windows_nothing_waits() -> None:
    assert WatchedAutomation("payments", Monitors()).full_at(None, BEGAN) == BEGAN

"""Late events are placed by their own time within the allowed lateness; later and future ones are not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from andon.authoring import Window
from andon.features import FeatureSet, MemoryTiles
from andon.features.times import FUTURE, LATE

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
VELOCITY = Window("amount", by="account", over=("10m", "24h"), aggregates=("count", "sum", "last"))


class Line:
    """Inputs one after the other, each recorded before the next."""

    def __init__(self, lateness: timedelta) -> None:
        self.features = FeatureSet("line", [VELOCITY], lateness=lateness)
        self.tiles = MemoryTiles()
        self.misplaced: list[str | None] = []

    def seen(
        self, amount: float, *, happened: datetime, came: datetime = NOW, now: datetime | None = None
    ) -> dict[str, Any]:
        inputs = [{"amount": amount, "account": "A"}]
        needs = self.features.needs(inputs, [happened], [came])
        computed = self.features.compute(inputs, [happened], self.tiles.read(needs), asked=[came], now=now)
        self.tiles.write(computed.deltas)
        self.misplaced.append(computed.misplaced.get(0))
        return computed.rows[0]


def test_a_late_event_is_counted_at_its_own_time_and_sees_that_time() -> None:
    line = Line(timedelta(hours=1))
    line.seen(1.0, happened=NOW)
    late = line.seen(2.0, happened=NOW - timedelta(minutes=30))
    assert (late["amount_count_24h"], late["amount_last_24h"]) == (1, None)
    after = line.seen(4.0, happened=NOW + timedelta(seconds=1), came=NOW + timedelta(seconds=1))
    assert (after["amount_count_10m"], after["amount_count_24h"], after["amount_last_24h"]) == (2, 3, 1.0)
    assert line.misplaced == [None, None, None]


def test_an_event_that_is_too_late_sees_itself_and_nobody_else_sees_it() -> None:
    line = Line(timedelta(hours=1))
    line.seen(1.0, happened=NOW)
    late = line.seen(2.0, happened=NOW - timedelta(hours=2))
    assert late["amount_sum_24h"] == 2.0
    assert line.seen(4.0, happened=NOW)["amount_sum_24h"] == 5.0
    assert line.misplaced == [None, LATE, None]


def test_an_event_that_is_too_late_sees_the_earliest_moment_that_is_kept_whatever_was_forgotten() -> None:
    line = Line(timedelta(hours=1))
    line.seen(1.0, happened=NOW - timedelta(minutes=65), came=NOW - timedelta(minutes=65))
    for _ in range(2):
        late = line.seen(2.0, happened=NOW - timedelta(hours=30))
        assert (late["amount_count_10m"], late["amount_count_24h"]) == (2, 2)
        line.tiles.prune(NOW)


def test_what_waited_in_a_stream_is_kept_for_those_that_waited_behind_it() -> None:
    line = Line(timedelta(hours=1))
    long_ago = NOW - timedelta(days=3)
    line.seen(1.0, happened=long_ago, came=long_ago, now=NOW)
    assert line.tiles.prune(NOW) == 0
    behind = long_ago + timedelta(minutes=5)
    assert line.seen(2.0, happened=behind, came=behind, now=NOW)["amount_count_10m"] == 2
    assert line.misplaced == [None, None]


def test_within_a_batch_nobody_sees_the_event_that_is_too_late_either() -> None:
    features = FeatureSet("line", [VELOCITY], lateness=timedelta(hours=1))
    happened = [NOW, NOW - timedelta(hours=2), NOW]
    inputs = [{"amount": 1.0, "account": "A"}, {"amount": 2.0, "account": "A"}, {"amount": 4.0, "account": "A"}]
    computed = features.compute(inputs, happened, {}, asked=[NOW] * 3)
    assert [row["amount_sum_24h"] for row in computed.rows] == [1.0, 2.0, 5.0]
    assert sum(delta.entries for delta in computed.deltas) == 2


def test_a_clock_that_is_a_little_ahead_is_believed_and_one_from_tomorrow_is_not() -> None:
    line = Line(timedelta(hours=1))
    line.seen(1.0, happened=NOW + timedelta(seconds=59))
    line.seen(2.0, happened=NOW + timedelta(days=1))
    assert line.misplaced == [None, FUTURE]
    assert line.seen(4.0, happened=NOW)["amount_sum_10m"] == 6.0
    later = NOW + timedelta(seconds=60)
    assert line.seen(8.0, happened=later, came=later)["amount_sum_10m"] == 15.0


def test_what_an_event_within_the_lateness_sees_is_kept_until_then() -> None:
    line = Line(timedelta(hours=1))
    line.seen(1.0, happened=NOW - timedelta(hours=24, minutes=20), came=NOW - timedelta(hours=24, minutes=20))
    assert line.tiles.prune(NOW) == 1  # which "24h" needs still, as a wider one
    assert line.seen(2.0, happened=NOW - timedelta(minutes=59))["amount_count_24h"] == 2

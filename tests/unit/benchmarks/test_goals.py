"""What each benchmark judges: ratios of one run at their bounds, and nothing that a slow hour changes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from benchmarks import against, decide, delivery, events, features, goals, procedures, start
from benchmarks.goals import Goal, at_least, at_most, more_than, none_of, ratio


def reached(judged: Sequence[Goal]) -> list[bool | None]:
    return [one.reached for one in judged]


@pytest.mark.parametrize(
    ("goal", "below", "at", "above"),
    [(at_least, False, True, True), (more_than, False, False, True), (at_most, True, True, False)],
)
def test_each_kind_of_bound(goal: Callable[[str, float, float], Goal], below: bool, at: bool, above: bool) -> None:
    assert [goal("x", value, 2.0).reached for value in (1.9, 2.0, 2.1)] == [below, at, above]


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    judged = [at_least("x", None, 2.0), at_most("x", ratio(1.0, 0.0), 2.0), more_than("x", ratio(1.0, None), 2.0)]
    assert reached(judged) == [None] * 3
    assert goals.missed(judged) == []


def test_a_count_of_what_must_not_happen_is_missed_by_one() -> None:
    assert reached([none_of("failed", 0), none_of("failed", 1)]) == [True, False]


def test_the_last_line_names_what_was_missed_with_both_numbers() -> None:
    told = goals.as_json([at_least("speed: of x", 1.23456, 2.0), at_most("y", 1.0, 2.0)])
    assert told["missed"] == ["speed: of x: at least 2, measured 1.2346"]
    assert [one["reached"] for one in told["goals"]] == [False, True]


def an_event_run(share: float, rate: float, failed: int = 0, left: int = 0) -> Mapping[str, Any]:
    sides = {broker: {"deciding": {"per_second": rate}} for broker in ("kafka", "nats")}
    both = {name: {"kafka": value, "nats": value} for name, value in (("failed", failed), ("left", left))}
    return {**sides, **both, "share": {"kafka": share, "nats": share}, "plain": {"per_second": 100.0}}


@pytest.mark.parametrize(
    ("run", "verdict"),
    [
        (an_event_run(0.5, 1_000.0), [True, True, True, True]),
        (an_event_run(0.49, 1_000.0), [False, True, True, True]),
        (an_event_run(0.5, 999.0), [True, False, True, True]),
        (an_event_run(0.9, 9_000.0, failed=1), [True, True, False, True]),
        (an_event_run(0.9, 9_000.0, left=1), [True, True, True, False]),
    ],
)
def test_events_are_judged_against_no_op_deciding_and_one_transaction_each(
    run: Mapping[str, Any], verdict: list[bool]
) -> None:
    assert reached(events.goals_of(run)) == verdict * 2


def test_deliveries_are_judged_against_the_plain_way_and_by_the_share_of_retries() -> None:
    def judged(rate: float, retries: int) -> list[bool | None]:
        curve = [{"firsts": 1_000, "retries": retries}]
        return reached(delivery.goals_of({"andon": {"per_second": rate}, "plain": {"per_second": 200}}, curve))

    assert judged(1_000, 200) == [True, True]
    assert judged(999, 200) == [False, True]
    assert judged(1_000, 201) == [True, False]


def test_the_other_ratios_at_their_bounds() -> None:
    assert reached(features.goals_of(20.0, 100.0)) == [True]
    assert reached(features.goals_of(20.1, 100.0)) == [False]
    assert reached(procedures.goals_of(70.0, 100.0)) == [True]
    assert reached(procedures.goals_of(69.0, 100.0)) == [False]
    at_bounds = {"restart_seconds": 5.0, "loading_seconds": 1.0, "csv_seconds": 20.0, "idle_mb": 450.0}
    assert reached(start.goals_of(at_bounds)) == [True, True, True]
    beyond = {"restart_seconds": 5.1, "loading_seconds": 1.0, "csv_seconds": 20.1, "idle_mb": 450.1}
    assert reached(start.goals_of(beyond)) == [False, False, False]
    assert reached(decide.goals_of({"ratio": {"64": 3.0}, "failed": 0})) == [True, True]
    assert reached(decide.goals_of({"ratio": {"64": 2.9}, "failed": 1})) == [False, False]


def test_beside_another_commit_the_mean_of_the_pairs_counts_and_its_error_is_told() -> None:
    even = against.Compared([95.0, 190.0, 47.5], [100.0, 200.0, 50.0])  # the machine's speed differs by pair
    assert (even.mean, even.error) == (pytest.approx(0.95), pytest.approx(0.0))
    uneven = against.Compared([90.0, 110.0], [100.0, 100.0])
    assert (uneven.mean, uneven.error) == (pytest.approx(1.0), pytest.approx(0.1))
    slower = against.Compared([94.0], [100.0])
    assert slower.error is None
    assert reached(against.goals_of({16: uneven, 64: slower}, failed=0)) == [True, False, True]
    assert reached(against.goals_of({16: uneven}, failed=2)) == [True, False]

"""Medians of turns, and goals that can be missed, reached or not judged."""

from dataclasses import replace

import pytest
from benchmarks.goals import Goal
from benchmarks.serving_results import Outcome, Turn, as_json, goals_of, outcome_of
from benchmarks.side import Memory, Round


def a_round(per_second: float = 1_000.0, *, p50: float = 1.0, p99: float = 5.0, failed: int = 0) -> Round:
    failures = {"503 busy": failed} if failed else {}
    return Round(
        answered=100,
        failed=failed,
        seconds=1.0,
        per_second=per_second,
        p50=p50,
        p95=2.0,
        p99=p99,
        generator_cpu=0.2,
        failures=failures,
        cpu={"gateway": 40.0, "postgres": 10.0},
        others=0.1,
    )


def a_turn(one: Round, *, rss_mb: float = 120.0, start_seconds: float = 2.0) -> Turn:
    memory = {"gateway": Memory(1, rss_mb, 90.0), "postgres": Memory(9, 80.0, 30.0)}
    return Turn(start_seconds, memory, dict.fromkeys((1, 16, 64), one))


def a_peer(per_second: float, *, p50: float = 0.8, rss_mb: float = 170.0) -> Outcome:
    one = a_round(per_second, p50=p50)
    return outcome_of([Turn(1.0, {"server": Memory(1, rss_mb, 100.0)}, dict.fromkeys((1, 16, 64), one))])


def goal(goals: list[Goal], words: str) -> Goal:
    (found,) = [one for one in goals if words in one.said]
    return found


def test_the_median_of_the_turns_counts_not_their_best() -> None:
    outcome = outcome_of([a_turn(a_round(rate), start_seconds=rate) for rate in (900.0, 100.0, 500.0)])
    assert (outcome.at[64]["per_second"], outcome.start_seconds) == (500.0, 500.0)


def test_cpu_time_is_that_of_all_parts_and_of_each() -> None:
    outcome = outcome_of([a_turn(a_round())])
    assert outcome.at[16]["cpu_us"] == 50.0
    assert outcome.cpu[16] == {"gateway": 40.0, "postgres": 10.0}
    assert outcome.processes == 10


def test_what_failed_in_any_round_of_any_turn_is_counted_and_misses_the_goal() -> None:
    outcome = outcome_of([a_turn(a_round()), a_turn(a_round(failed=2))])
    assert (outcome.failed, outcome.failures) == (6, {"503 busy": 6})
    assert goal(goals_of({"andon": outcome}), "failed").reached is False


@pytest.mark.parametrize(("kserve", "reached"), [(2_500.0, True), (2_501.0, False)])
def test_four_times_kserve_at_64_and_not_less(kserve: float, reached: bool) -> None:
    outcomes = {"andon": outcome_of([a_turn(a_round(10_000.0))]), "kserve-v1": a_peer(kserve)}
    found = goal(goals_of(outcomes), "at 64 against KServe")
    assert (found.measured, found.reached) == (pytest.approx(4.0, abs=0.01), reached)


def test_as_fast_as_fastapi_is_not_faster() -> None:
    outcomes = {"andon": outcome_of([a_turn(a_round(6_000.0))]), "fastapi": a_peer(6_000.0)}
    assert goal(goals_of(outcomes), "FastAPI + ONNX Runtime's: more").reached is False


@pytest.mark.parametrize(("p99", "reached"), [(5.0, True), (5.01, False)])
def test_the_slowest_hundredth_waits_no_longer_than_fastapis(p99: float, reached: bool) -> None:
    outcomes = {"andon": outcome_of([a_turn(a_round(p99=p99))]), "fastapi": a_peer(3_000.0)}
    assert goal(goals_of(outcomes), "p99 at 64").reached is reached


@pytest.mark.parametrize(("rss_mb", "reached"), [(170.0, True), (171.0, False)])
def test_an_idle_gateway_holds_no_more_than_kserve(rss_mb: float, reached: bool) -> None:
    outcomes = {"andon": outcome_of([a_turn(a_round(), rss_mb=rss_mb)]), "kserve-v1": a_peer(1.0, rss_mb=170.0)}
    assert goal(goals_of(outcomes), "memory").reached is reached


def test_a_slow_hour_changes_no_verdict() -> None:
    def verdicts(speed: float) -> list[bool | None]:
        def one(rate: float, p99: float) -> Outcome:
            return outcome_of([a_turn(a_round(rate * speed, p50=1 / speed, p99=p99 / speed))])

        andon, fastapi = one(15_000.0, 8.0), one(5_000.0, 17.0)
        kserve = outcome_of(
            [Turn(1.0, {"server": Memory(1, 170.0, 100.0)}, dict.fromkeys((1, 16, 64), a_round(3_300.0 * speed)))]
        )
        return [one.reached for one in goals_of({"andon": andon, "fastapi": fastapi, "kserve-v1": kserve})]

    assert verdicts(1.0) == verdicts(0.2) == [True] * 6


def test_what_was_not_measured_is_not_judged() -> None:
    goals = goals_of({"andon": outcome_of([a_turn(a_round(p99=12.0))])})
    assert [one.said for one in goals if one.reached is not None] == ["requests of Andon's that failed: at most"]


def test_a_peer_that_answered_nothing_is_no_comparison() -> None:
    outcomes = {"andon": outcome_of([a_turn(a_round())]), "kserve-v1": a_peer(0.0)}
    assert goal(goals_of(outcomes), "at 64 against KServe").reached is None


def test_the_figures_as_json_name_the_connections() -> None:
    figures = as_json(replace(outcome_of([a_turn(a_round())]), failures=dict.fromkeys("abcd", 1)))
    assert figures["per_second"] == {"1": 1_000.0, "16": 1_000.0, "64": 1_000.0}
    assert len(figures["failures"]) == 3

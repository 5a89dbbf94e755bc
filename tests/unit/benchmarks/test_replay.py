"""The judge of replays: three times a gateway's rate, not one decision otherwise, and memory that does not grow."""

from benchmarks.goals import missed
from benchmarks.replay import Outcome, Timed, goals_of


def outcome(*, replaying: float = 45_000, apart: int = 0, many_mb: float = 600) -> Outcome:
    return Outcome(
        deciding=[14_000, 15_000, 16_000],
        replaying=[replaying] * 3,
        verified=Timed(200_000, 5.0, apart, 500),
        few=Timed(100_000, 4.0, 0, 550),
        many=Timed(1_000_000, 22.0, 0, many_mb),
    )


def test_what_reaches_its_bounds_passes() -> None:
    assert missed(goals_of(outcome())) == []


def test_each_bound_is_judged() -> None:
    (slow,) = missed(goals_of(outcome(replaying=44_000)))
    assert "at least 3, measured 2.9333" in slow
    (apart,) = missed(goals_of(outcome(apart=1)))
    assert "decisions that the same versions make differently" in apart
    (growing,) = missed(goals_of(outcome(many_mb=700)))
    assert "at most 1.15, measured 1.2727" in growing

"""The drawing of a guardrail's evidence: at the bound's height exactly where a bound is reached, and never outside."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from andon.authoring import RolloutPlan, ServiceLevel
from andon.console.evidence_paths import HEIGHT, HIGHEST, LOWEST, WIDTH, EvidencePath, path_of
from andon.rollouts import GuardrailStanding, GuardrailState, PathPoint, RolloutEvent, RolloutState, guardrails_of

BEGUN = datetime(2026, 12, 3, 14, tzinfo=UTC)
STAGES = (0.0, 5.0, 25.0)
BOUND = 4.0

LEVELS = st.floats(-50, 50, allow_nan=False)
PATHS = st.lists(st.tuples(st.integers(1, 1_000), LEVELS, LEVELS), min_size=1, max_size=40)


def moved(kind: str, seconds: int, stage: int) -> RolloutEvent:
    running, at = RolloutState.RUNNING, BEGUN + timedelta(seconds=seconds)
    step = {"state_before": running, "state_after": running, "by": "andon", "reason": "x", "evidence": {}}
    return RolloutEvent(at=at, kind=kind, stage_before=0, stage_after=stage, **step)


def drawn(points: list[tuple[int, float, float]], *events: RolloutEvent, until: int = 2_000) -> EvidencePath | None:
    path = [PathPoint(BEGUN + timedelta(seconds=at), 1, 1, harm, sound) for at, harm, sound in sorted(points)]
    guardrail = guardrails_of(RolloutPlan(), ServiceLevel())[0]
    last = path[-1] if path else PathPoint(BEGUN, 0, 0, 0.0, 0.0)
    standing = GuardrailStanding(guardrail, GuardrailState(path=path), "", last.harm, BOUND, last.sound, BOUND, False)
    return path_of(standing, [moved("begin", 0, 0), *events], STAGES, BEGUN + timedelta(seconds=until))


def points_of(line: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (one.split(",") for one in line.split())]


@given(PATHS, st.lists(st.integers(1, 999), max_size=2, unique=True))
def test_lines_run_forward_within_the_drawing_and_meet_the_bound_where_it_is_reached(
    points: list[tuple[int, float, float]], advances: list[int]
) -> None:
    path = drawn(points, *(moved("advance", at, n + 1) for n, at in enumerate(sorted(advances))))
    if path is None:
        assert not any(harm or sound for _, harm, sound in points)
        return
    assert 0 < path.bound < path.zero < HEIGHT
    for line in (path.harm, *path.sound):
        places = points_of(line)
        assert [x for x, _ in places] == sorted(x for x, _ in places)
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    assert points_of(path.harm)[-1][0] == WIDTH
    for (_, harm, _), (_, y) in zip(sorted(points), points_of(path.harm)[1:], strict=False):
        assert abs(y - HEIGHT * (HIGHEST - min(max(harm / BOUND, LOWEST), HIGHEST)) / (HIGHEST - LOWEST)) <= 0.051
        if abs(harm - BOUND) > 0.1:
            assert (y < path.bound) is (harm > BOUND)


def test_each_stage_has_a_line_of_its_own_for_the_step_after_it() -> None:
    path = drawn([(10, 0.0, 4.0), (20, 0.0, 1.0), (30, 0.0, 2.0)], moved("advance", 10, 1), until=40)
    assert path is not None
    assert [(mark.x, mark.share) for mark in path.marks] == [(0.0, 0.0), (WIDTH / 4, 5.0)]
    first, second = map(points_of, path.sound)
    assert first == [(0.0, path.zero), (WIDTH / 4, path.bound)]
    assert [x for x, _ in second] == [WIDTH / 2, 3 * WIDTH / 4, WIDTH]


def test_without_evidence_nothing_is_drawn() -> None:
    assert drawn([]) is None
    assert drawn([(5, 0.0, 0.0)]) is None

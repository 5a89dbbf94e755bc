"""The error that a new project allows: it means something, can be proven, and small data never yields a high one."""

import random
from pathlib import Path

import pytest
from tests.unit.scaffold.tables import plan_of, write

from andon.models import TargetProspect
from andon.scaffold.domain import FileTrial, Target
from andon.scaffold.proposal import RUNGS, propose


def a_trial(shares: dict[float, float], held_out: int = 1000, error: float = 0.03) -> FileTrial:
    prospects = tuple(TargetProspect(rung, shares.get(rung, 0.0), None, None) for rung in RUNGS)
    return FileTrial(prospects, held_out, error)


def a_target(*counts: int) -> Target:
    return Target("y", tuple(f"c{at}" for at in range(len(counts))), counts)


@pytest.mark.parametrize(
    ("counts", "shares", "risk"),
    [
        ((500, 500), {0.05: 0.8, 0.1: 0.9}, 0.05),
        ((500, 500), {0.05: 0.1, 0.1: 0.4}, 0.1),
        ((500, 500), {}, 0.05),
        ((20, 20), {}, 0.05),
        ((250, 250, 250, 250), {0.05: 0.6}, 0.05),
        ((9000, 900, 100), {0.02: 0.1, 0.03: 0.5, 0.05: 0.7}, 0.03),
        ((990, 10), {0.002: 0.9}, 0.002),
        ((99_950, 50), {}, 0.0001),
    ],
)
def test_it_is_the_lowest_useful_one_that_makes_enough_automatic(
    counts: tuple[int, ...], shares: dict[float, float], risk: float
) -> None:
    proposal = propose(a_target(*counts), a_trial(shares))
    assert proposal.risk == risk
    assert proposal.risk <= min(0.1, proposal.blind / 2)


def test_little_is_explained_by_the_file_and_by_the_model() -> None:
    why = propose(a_target(100, 100), a_trial({}, held_out=80, error=0.2)).why_little
    assert why[0] == "at 5% wrong, nothing would be automatic"
    assert "about 60 of its rows will test the gate, and 59 without an error are needed to prove it" in why[1]
    assert "wrong in 20% of rows" in why[2]


@pytest.mark.parametrize("rows", [40, 120, 300])
def test_small_data_never_proposes_more_than_ten_in_a_hundred(tmp_path: Path, rows: int) -> None:
    rng = random.Random(rows)
    x = [rng.random() for _ in range(rows)]
    y = ["yes" if value + rng.gauss(0, 0.2) > 0.5 else "no" for value in x]
    assert plan_of(write(tmp_path, {"x": [f"{value:.4f}" for value in x], "y": y})).proposal.risk <= 0.1


def test_few_rows_are_held_out_in_a_larger_share(tmp_path: Path) -> None:
    few = write(tmp_path, {"x": [f"{i * 7 % 400}.5" for i in range(400)], "y": ["yes", "no"] * 200})
    assert plan_of(few).held_out == 0.4

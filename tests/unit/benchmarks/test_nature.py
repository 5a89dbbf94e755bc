"""The worlds of `script/bench nature`, its judge, and a smoke of thirty runs of a few cells."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from benchmarks import goals
from benchmarks.nature import chosen, exact_bounds, figures_of, goals_of, measure
from benchmarks.nature_arms import Rivals, Stage
from benchmarks.nature_cells import CELLS, SOME, Cell, Kind
from benchmarks.nature_features import QuietLine
from benchmarks.nature_gate_cells import FALSE_PROOFS
from benchmarks.nature_logs import LoggedLine, always, happens
from benchmarks.nature_worlds import Line, Verdicts, flat, rising
from scipy.stats import binom

SMOKE = (
    "shown sound: at the margin, reviews 10% not 40%",
    "rolled back: same, reviews 40% not 10%",
    "label-free: accuracy, 400 rows",
    "off-policy: lognormal(2.5), propensity 0.2",
)
GOOD = replace(CELLS[SMOKE[0]], run=lambda _: False)


@pytest.mark.parametrize("name", SMOKE)
def test_thirty_runs_keep_their_promise(name: str) -> None:
    """Thirty runs tell a cell that is broken in most of them, as label-free intervals and arms once were."""
    assert goals.missed(goals_of(measure([CELLS[name]], 30, processes=1))) == []


@pytest.mark.parametrize("name", ["wrong after 1 d, right 2 h, 7.5%, 5,000 a day", "groups of 20, 5.5%"])
def test_thirty_short_runs_prove_nothing_false(name: str) -> None:
    world = FALSE_PROOFS[name]
    short = replace(world, line=replace(world.line, decisions=3_000))
    wrong = sum(short.proves_falsely(np.random.default_rng([9, run])) for run in range(30))
    assert exact_bounds(wrong, 30)[0] <= 0.05


def test_a_cell_whose_promise_is_broken_is_named() -> None:
    broken = replace(CELLS[SMOKE[0]], run=lambda rng: bool(rng.random() < 0.5))
    found = figures_of(broken, [broken.run(np.random.default_rng(at)) for at in range(30)], 0.0)
    assert [one.split(", lower bound")[0] for one in goals.missed(goals_of([found]))] == [broken.name]


def test_a_cell_fails_only_when_its_lower_bound_exceeds_the_promise() -> None:
    at_the_edge = next(count for count in range(100) if exact_bounds(count, 100)[0] > 0.05)
    for count, missed in ((at_the_edge - 1, 0), (at_the_edge, 1)):
        found = figures_of(GOOD, [True] * count + [False] * (100 - count), 0.0)
        assert len(goals.missed(goals_of([found]))) == missed


@pytest.mark.parametrize(("count", "runs"), [(0, 30), (3, 30), (29, 30), (30, 30)])
def test_bounds_are_exact(count: int, runs: int) -> None:
    low, high = exact_bounds(count, runs)
    assert low == 0.0 if count == 0 else binom.sf(count - 1, runs, low) == pytest.approx(0.05)
    assert high == 1.0 if count == runs else binom.cdf(count, runs, high) == pytest.approx(0.05)


def test_silence_is_counted_by_itself_and_a_cell_may_be_wholly_silent_only_where_that_is_right() -> None:
    some = figures_of(GOOD, [None, True, False], 0.0)
    assert (some.runs, some.silent, some.measured) == (2, 1, 0.5)
    right = next(one for one in CELLS.values() if one.silence_is_right)
    for cell, missed in ((GOOD, 1), (right, 0)):
        nothing = figures_of(cell, [None, None], 0.0)
        assert (nothing.runs, nothing.measured) == (0, None)
        assert len(goals.missed(goals_of([nothing]))) == missed


@pytest.mark.parametrize(("broken", "runs"), [(0, 60), (1, 100), (60, 200)])
def test_a_cell_ends_early_only_when_it_is_shown_to_keep_its_promise(broken: int, runs: int) -> None:
    answers = iter([True] * broken + [False] * 200)
    cell = Cell("false proof: groups of 5, 10%", 0.05, SOME, lambda _: next(answers))
    with patch.dict(CELLS, {cell.name: cell}):
        (found,) = measure([cell], processes=1)
    assert found.runs == runs


def test_a_share_is_judged_against_the_version_before() -> None:
    name = next(one.name for one in CELLS.values() if one.kind is Kind.SHARE)
    cell = CELLS[name]
    for part, missed in ((0.86, 0), (0.84, 1)):
        found = figures_of(cell, [part * (cell.before or 0.0)] * 5, 0.0)
        assert len(goals.missed(goals_of([found]))) == missed
        assert len(goals.missed(goals_of([found], [replace(found, measured=1.0)]))) == 1
    spread = figures_of(cell, [part * (cell.before or 0.0) for part in (0.7, 0.97)] * 3, 0.0)
    assert len(goals.missed(goals_of([spread]))) == 1, "chance is no excuse for a share"


def test_an_oracle_is_compared_by_medians() -> None:
    cell = replace(next(one for one in CELLS.values() if one.kind is Kind.RATIO))
    found = figures_of(cell, [(30.0, 20.0)] * 9 + [(900.0, 20.0)], 0.0)
    assert found.measured == pytest.approx(1.5)
    assert goals.missed(goals_of([found])) == []
    assert len(goals.missed(goals_of([figures_of(cell, [(32.0, 20.0)] * 9, 0.0)]))) == 1


def test_cells_are_chosen_by_the_beginnings_of_their_names() -> None:
    assert {one.name for one in chosen(["label-free", "off-policy"])} == {
        name for name in CELLS if name.startswith(("label-free", "off-policy"))
    }
    assert len(chosen(None)) == len(CELLS)


def test_the_cases_of_a_subject_are_wrong_together_and_the_rate_is_that_of_cases() -> None:
    cases = Line(flat(0.1), group=5, decisions=20_000).draw(np.random.default_rng(1))
    assert (np.diff(cases.at) >= 0).all()
    wrong = np.bincount(cases.subject, cases.wrong)
    assert set(wrong.tolist()) == {0.0, 5.0}
    assert cases.wrong.mean() == pytest.approx(0.1, abs=0.015)


def test_a_policy_that_keeps_easy_cases_leaves_the_others_worse() -> None:
    line = Line(flat(0.046), kept=0.4, kept_times=0.025 / 0.046, decisions=100_000)
    cases = line.draw(np.random.default_rng(2))
    assert cases.wrong.mean() == pytest.approx(0.046, abs=0.003)
    assert cases.wrong[~cases.kept].mean() == pytest.approx(0.06, abs=0.003)
    assert line.error_above(0.5) == pytest.approx(0.06)


def test_the_true_error_above_a_threshold_is_that_of_the_surest_cases() -> None:
    line = Line(rising(0.01, 0.09), decisions=200_000)
    cases = line.draw(np.random.default_rng(3))
    for threshold in (0.5, 0.75, 0.9):
        above = cases.confidence >= threshold
        assert cases.wrong[above].mean() == pytest.approx(line.error_above(threshold), abs=0.003)


def test_verdicts_come_after_the_delay_of_what_they_say() -> None:
    verdicts = Verdicts(wrong_after=3.0, right_after=0.1, missed=0.2, unanswered=0.1)
    answered, after = verdicts.draw(np.random.default_rng(4), np.ones(50_000, bool))
    assert answered.mean() == pytest.approx(0.8, abs=0.01)
    known = np.isfinite(after)
    assert known.mean() == pytest.approx(0.9, abs=0.01)
    assert after[known & answered].mean() == pytest.approx(3.0, rel=0.03)


def test_arms_differ_in_what_they_should_alone() -> None:
    cases = Rivals(1.5, reviews=(0.4, 0.1), stages=(Stage(20.0, 0.25),)).draw(np.random.default_rng(5))
    mine = cases.candidate
    assert mine.mean() == pytest.approx(0.25, abs=0.01)
    assert cases.reviewed[mine].mean() == pytest.approx(0.4, abs=0.01)
    assert cases.reviewed[~mine].mean() == pytest.approx(0.1, abs=0.01)
    assert cases.wrong[mine].mean() / cases.wrong[~mine].mean() == pytest.approx(1.5, rel=0.08)


def test_an_account_stays_with_its_arm_within_a_stage() -> None:
    cases = Rivals(accounts=500, stages=(Stage(4.0, 0.5),)).draw(np.random.default_rng(6))
    by_account = np.bincount(cases.subject, cases.candidate) / np.maximum(np.bincount(cases.subject), 1)
    assert set(by_account.tolist()) == {0.0, 1.0}


def test_rhythms_are_as_declared() -> None:
    rng = np.random.default_rng(7)
    rows = QuietLine(weekend=0.3, memory=0.6).rows(rng, 0, 70)
    weekend, first = np.floor(rows.at) % 7 >= 5, rows.features[:, 0]
    assert first[weekend].mean() - first[~weekend].mean() == pytest.approx(0.3, abs=0.05)
    assert np.corrcoef(first[1:], first[:-1])[0, 1] == pytest.approx(0.6, abs=0.03)
    bursts = QuietLine(burst=3).rows(rng, 0, 3).features[:, 0]
    assert len(np.unique(bursts)) == len(bursts) / 3


def test_the_mean_of_a_log_is_that_of_the_candidate() -> None:
    line = LoggedLine(200_000, always(0.2), happens(0.3), 0.3)
    log = line.draw(np.random.default_rng(8))
    weights = log.same / log.propensities
    assert (weights * log.rewards).mean() == pytest.approx(line.mean, abs=0.01)

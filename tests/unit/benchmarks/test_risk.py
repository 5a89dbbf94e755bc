from dataclasses import replace

from benchmarks import goals
from benchmarks.risk import LineFigures, goals_of
from benchmarks.risk_breaks import BreakFigures
from benchmarks.risk_pac import SetSavings
from benchmarks.risk_transfers import TransferFigures

LINE = LineFigures("steep", 1_000, 40, share=0.60, exact=0.62, judged=True, false_alarms=0)
SAVED = SetSavings("stance", gate=0.27, exact=0.28, exceeded=0.0, exact_exceeded=0.0)
BREAK = BreakFigures(0.05, median=90.0, high=240.0, false_alarms=0)
BANK = TransferFigures(0.01, saved=0.94, clairvoyant=1.0, error=0.007, base_error=0.007, decisions=40_000)


def missed(
    line: LineFigures = LINE,
    saved: SetSavings = SAVED,
    broken: BreakFigures = BREAK,
    bank: TransferFigures = BANK,
) -> list[str]:
    return goals.missed(goals_of([LINE, line], [saved], [broken], [bank]))


def test_good_figures_reach_every_goal() -> None:
    assert missed() == []


def test_each_goal_is_missed_by_what_it_is_about() -> None:
    one_line = missed(line=replace(LINE, exceeded=80))
    assert [goal.split(":")[0] for goal in one_line] == ["the same for the worst line"]
    assert len(missed(line=replace(LINE, exceeded=200))) == 2
    assert len(missed(line=replace(LINE, share=0.5))) == 1
    assert len(missed(saved=replace(SAVED, gate=0.26))) == 1
    assert len(missed(broken=replace(BREAK, high=301.0))) == 1
    assert len(goals.missed(goals_of([LINE], [SAVED], [BREAK, replace(BREAK, error=0.03, high=400.0)], [BANK]))) == 0
    assert len(missed(bank=replace(BANK, saved=0.89))) == 1
    assert len(missed(bank=replace(BANK, saved=0.59, clairvoyant=0.6))) == 1


def test_a_line_that_is_not_judged_for_its_share_still_must_keep_its_promise() -> None:
    assert missed(line=replace(LINE, share=0.1, judged=False)) == []
    assert len(missed(line=replace(LINE, exceeded=200, judged=False))) == 2

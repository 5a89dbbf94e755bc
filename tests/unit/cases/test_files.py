"""Files of cases are read strictly, and a case of a recorded decision comes out as the decision did."""

from dataclasses import replace
from pathlib import Path

import pytest

from andon.cases import (
    CaseRunner,
    CasesInvalid,
    CasesMissing,
    CaseTaken,
    CaseUnsuitable,
    case_of,
    check_folders,
    read_cases,
    write_case,
)
from andon.cord import LineState
from andon.decisions import DecisionRecord
from andon.serving import PredictionFailed
from andon.testing import decide
from automations import an_automation, payment
from recorded import recorded_of

CASE = "- {name: one, input: {}, prediction: {score: 0.5}, expect: {outcome: review}}\n"


def written(root: Path, *texts: str) -> Path:
    folder = root / "cases" / "payments"
    folder.mkdir(parents=True)
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text)
    return root


def test_every_file_of_an_automation_is_read(tmp_path: Path) -> None:
    found = read_cases(written(tmp_path, CASE, CASE.replace("one", "two")), ["payments"])
    assert [(one.file, one.case.name) for one in found] == [
        ("cases/payments/0.yaml", "one"),
        ("cases/payments/1.yaml", "two"),
    ]


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (CASE.replace("score: 0.5", "score: 1.5"), "0.prediction.score", "less than or equal to 1"),
        (CASE.replace("outcome", "outcom"), "0.expect.outcome", "Field required"),
        (CASE.replace("input: {}", "input: {}, risk: {}"), "0.risk", "either `certain` or `threshold`"),
        ("cases: []", "the file", "list"),
        (CASE + CASE, "cases/payments/0.yaml", "'one' is taken"),
        ("- {name: one, name: two}", "cases/payments/0.yaml:1", "occurs twice"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, where: str, said: str) -> None:
    with pytest.raises(CasesInvalid) as refused:
        read_cases(written(tmp_path, text), ["payments"])
    assert any(where in fault.where and said in fault.message for fault in refused.value.faults), refused.value.faults


def test_no_cases_is_an_error_and_so_is_a_folder_of_no_automation(tmp_path: Path) -> None:
    with pytest.raises(CasesMissing):
        read_cases(tmp_path, ["payments"])
    check_folders(tmp_path, ["payments"])
    with pytest.raises(CasesInvalid) as refused:
        check_folders(written(tmp_path), ["transfers"])
    assert refused.value.faults[0].where == "cases/payments"


def recorded(score: float, *, certain: bool = True) -> DecisionRecord:
    (decision,) = decide(an_automation(), [payment(amount=70.0)], model=lambda _: score, certain=certain)
    return recorded_of(decision)


@pytest.mark.parametrize("score", [0.0, 0.123456789, 0.5, 0.8, 1.0])
def test_a_recorded_decision_becomes_a_case_that_passes(tmp_path: Path, score: float) -> None:
    filed = case_of(recorded(score), " The complaint of March! ")
    assert filed.file == "cases/payments/the-complaint-of-march.yaml"
    write_case(tmp_path, filed)
    (back,) = read_cases(tmp_path, ["payments"])
    assert back.case == filed.case
    assert CaseRunner(an_automation(), None, tested=False).run(back).passed
    with pytest.raises(CaseTaken):
        write_case(tmp_path, filed)


def test_what_no_policy_decided_becomes_no_case() -> None:
    def broken(_: object) -> float:
        raise PredictionFailed("no model")

    with pytest.raises(CasesInvalid, match="no letter or digit"):
        case_of(recorded(0.5), "!!!")
    (failed,) = decide(an_automation(), [payment()], model=broken)
    with pytest.raises(CaseUnsuitable, match="without a prediction"):
        case_of(recorded_of(failed), "x")
    held = recorded(0.5)
    with pytest.raises(CaseUnsuitable, match="was stopped"):
        case_of(replace(held, row=replace(held.row, line_state=LineState.STOPPED)), "x")

"""What decisions and labels say in an experiment: who drew them with which probability, and what of it is counted."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from andon.cord import LineState
from andon.experiments.domain import equal_shares
from andon.experiments.evidence import FIRST, AllocatedDecision, ArmValue, drawn_decision, value_of_label
from andon.serving import Assignment, Candidate, Chosen, TrafficSplit
from andon.trials import LateLabels, first_of_each
from simulating import an_experiment

KEY = UUID(int=7)
ONE = an_experiment(3, unit="subject")
SPLIT = TrafficSplit("payments", "fraud-risk", 4, shares={Candidate(2): 20.0, Candidate(3): 30.0}, salt=ONE.salt)


def a_record(**fields: Any) -> Any:
    usual = {"version": 2, "chosen": Chosen.SPLIT, "split": 4, "bucket": 17}
    return SimpleNamespace(assignment=Assignment(**{**usual, **fields}), subject="ab12")


def test_a_drawn_decision_has_the_probabilities_of_its_split() -> None:
    drawn = drawn_decision(ONE, {4: SPLIT}, KEY, a_record())
    assert drawn == AllocatedDecision(KEY, b"\xab\x12", 1, (0.5, 0.2, 0.3))
    alone = drawn_decision(replace(ONE, unit="decision"), {4: SPLIT}, KEY, a_record())
    assert alone is not None
    assert alone.unit == KEY.bytes


@pytest.mark.parametrize(
    "fields", [{"chosen": Chosen.PINNED}, {"bucket": None}, {"split": 3}, {"version": 9}, {"policy": "3f2a9c01d2e4"}]
)
def test_what_was_not_drawn_by_the_experiment_says_nothing(fields: dict[str, Any]) -> None:
    assert drawn_decision(ONE, {4: SPLIT}, KEY, a_record(**fields)) is None


def test_a_split_of_somebody_else_says_nothing() -> None:
    assert drawn_decision(ONE, {4: replace(SPLIT, salt="payments")}, KEY, a_record()) is None


@pytest.mark.parametrize(
    ("measure", "verdict", "label", "row", "value"),
    [
        ("overrides", "ok", None, {}, 1.0),
        ("overrides", "fraud", None, {}, None),
        ("overrides", None, "ok", {}, None),
        ("wrong", None, "ok", {}, 1.0),
        ("wrong", None, "ok", {"outcome": "review"}, 1.0),
        ("wrong", "ok", None, {}, 1.0),
        ("wrong", None, "fraud", {}, 0.0),
        ("wrong", None, None, {}, None),
    ],
)
def test_labels_show_events(
    measure: str, verdict: str | None, label: str | None, row: dict[str, Any], value: float | None
) -> None:
    usual = {"label": "fraud", "certain": True, "outcome": "pause", "line_state": LineState.AUTOMATIC}
    given: Any = SimpleNamespace(**{**usual, **row})
    assert value_of_label(measure, LateLabels(given, verdict, label, None)) == value


def test_a_unit_stands_once_in_each_list_by_its_first_decision() -> None:
    def value(list_: str, unit: bytes, key: int) -> ArmValue:
        return ArmValue(list_, AllocatedDecision(UUID(int=key), unit, 0, (0.5, 0.5)), 1.0)

    given = [value(FIRST, b"a", 1), value(FIRST, b"a", 2), value("errors", b"a", 2), value(FIRST, b"b", 3)]
    assert [one.of.id.int for one in first_of_each(given)] == [1, 2, 3]


@pytest.mark.parametrize("count", range(2, 6))
def test_equal_shares_are_hundredths_and_add_up(count: int) -> None:
    shares = equal_shares(count)
    assert round(sum(shares), 2) == 100
    assert max(shares) - min(shares) < 0.05
    assert all(round(one, 2) == one for one in shares)

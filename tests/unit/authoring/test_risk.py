"""Declarations of risk: checked at once, and kept with the version only where they are not as usual."""

from typing import Any

import pytest

from andon import MaxCost, MaxError
from andon.authoring import DeclarationInvalid, RiskBound
from andon.decisions import AutomationVersion, bound_of, describe
from andon.testing import START
from proving import a_gated

COSTS = {("fraud", "ok"): 5.0, ("ok", "fraud"): 400.0}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": 0}, "target must be between 0 and 1, got 0"),
        ({"target": 1.0}, "target must be between 0 and 1"),
        ({"target": True}, "target must be between 0 and 1"),
        ({"target": 0.1, "confidence": 95}, "confidence must be between 0 and 1, got 95"),
        ({"target": 0.1, "by": ""}, "by must be the name of a field"),
        ({"target": 0.1, "by": 3}, "by must be the name of a field"),
        ({"target": 0.1, "per_class": {}}, "per_class must be a dict from classes to bounds"),
        ({"target": 0.1, "per_class": ["fraud"]}, "per_class must be a dict from classes to bounds"),
        ({"target": 0.1, "per_class": {"fraud": 2}}, r"per_class\['fraud'\] must be between 0 and 1, got 2"),
        ({"target": 0.1, "per_class": {1: 0.1}}, "per_class must name classes of the model, got 1"),
        ({"target": 0.1, "local": 2}, "local must be between 0 and 1, got 2"),
        ({"target": 0.1, "local": 0.05}, r"at least the target \(0.1\), got 0.05"),
        ({"target": 0.1, "per_class": {"fraud": 0.3}, "local": 0.2}, r"at least the target \(0.3\), got 0.2"),
    ],
)
def test_a_bound_of_the_error_that_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationInvalid, match=message):
        MaxError(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": 400.0, "costs": COSTS}, "between 0 and the most expensive mistake, 400"),
        ({"target": 0, "costs": COSTS}, "between 0 and the most expensive mistake"),
        ({"target": 1, "costs": {}}, "and not empty"),
        ({"target": 1, "costs": {"fraud": 3.0}}, r"by \(predicted class, true class\), got 'fraud'"),
        ({"target": 1, "costs": {("ok", "ok"): 3.0}}, "is not a mistake; a correct decision costs nothing"),
        ({"target": 1, "costs": {("ok", "fraud"): -3.0}}, "must be a number above 0, got -3.0"),
        ({"target": 1, "costs": {("ok", "fraud"): float("inf")}}, "must be a number above 0"),
        ({"target": 1, "costs": COSTS, "confidence": 1.0}, "confidence must be between 0 and 1"),
    ],
)
def test_a_bound_of_the_cost_that_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationInvalid, match=message):
        MaxCost(**given)


def test_the_loss_is_the_error_or_what_a_mistake_costs() -> None:
    error, cost = MaxError(0.01), MaxCost(2.0, COSTS)
    assert (error.loss("ok", "ok"), error.loss("ok", "fraud"), error.highest) == (0.0, 1.0, 1.0)
    assert [cost.loss(*pair) for pair in (("ok", "ok"), ("fraud", "ok"), ("ok", "fraud"), ("ok", "other"))] == [
        0.0,
        5.0,
        400.0,
        0.0,
    ]
    assert cost.highest == 400.0


def test_gates_by_a_field_need_that_field() -> None:
    with pytest.raises(DeclarationInvalid, match="a gate by 'region', which is not a field of Payment"):
        a_gated(MaxError(0.1, by="region"))


def test_a_bound_as_before_is_described_as_before() -> None:
    assert describe(a_gated(MaxError(0.1)))["risk"] == {"target": 0.1, "confidence": 0.95}


@pytest.mark.parametrize(
    "risk",
    [
        None,
        MaxError(0.1, 0.9),
        MaxError(0.1, by="country"),
        MaxError(0.1, per_class={"fraud": 0.2}),
        MaxError(0.1, local=0.3),
        MaxCost(2.0, COSTS, 0.9),
    ],
)
def test_a_bound_is_read_back_from_the_version_it_was_kept_with(risk: RiskBound | None) -> None:
    version = AutomationVersion("gated", 1, "", describe(a_gated(risk)), "owner", START)
    assert bound_of(version) == risk

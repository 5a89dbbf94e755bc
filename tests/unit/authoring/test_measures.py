"""Measures as they are declared: what is wrong is named at once, and a version without any keeps its digest."""

from typing import Any

import pytest

from andon import Measure
from andon.authoring import Automation, DeclarationInvalid
from andon.decisions import AutomationInvalid, describe
from automations import an_automation


def declaring(*measures: Measure) -> Automation:
    automation = an_automation()
    automation.measures = measures
    return automation


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "Loss"}, "a name is"),
        ({"unit": ""}, "unit must be"),
        ({"value": True}, "value must be a number"),
        ({"value": float("inf")}, "finite"),
        ({"value": " "}, "left out"),
        ({"value": None, "when": "true"}, "leave out `when`"),
        ({"when": 1}, "when must be"),
        ({"by": "country"}, "by must be"),
    ],
)
def test_what_is_wrong_by_itself_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationInvalid, match=message):
        Measure(**({"name": "loss", "unit": "EUR", "value": 1} | wrong))


def test_two_measures_of_one_name_are_refused() -> None:
    automation = an_automation()
    with pytest.raises(DeclarationInvalid, match="the same name"):
        Automation(
            "payments",
            contract=automation.contract,
            model="m",
            policy=automation.policy,
            measures=[Measure("loss", unit="EUR"), Measure("loss", unit="USD")],
        )


def test_a_description_holds_the_kinds_that_a_measure_reads() -> None:
    loss = Measure("loss", unit="EUR", value="input.amount", when='label == "fraud"', by=("country",))
    assert describe(declaring(loss))["measures"] == [
        {
            "name": "loss",
            "unit": "EUR",
            "value": "input.amount",
            "when": 'label == "fraud"',
            "by": ["country"],
            "kinds": {"input.amount": "number", "label": "string"},
        }
    ]
    assert "measures" not in describe(declaring())


def test_names_that_the_contract_lacks_are_found_with_everything_else_that_is_wrong() -> None:
    bad = Measure("loss", unit="EUR", value="input.amuont", when="input.amount", by=("amount", "city"))
    with pytest.raises(AutomationInvalid) as refused:
        describe(declaring(bad))
    for message in ("did you mean `input.amount`", "a condition must be true or false", "by 'amount'", "by 'city'"):
        assert message in str(refused.value)

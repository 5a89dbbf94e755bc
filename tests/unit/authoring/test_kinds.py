"""What an automation is declared with is a it should be, or that is said at once."""

from typing import Any

import pytest
from pydantic import BaseModel

from andon import Automation, Policy, Window
from andon.authoring import DeclarationInvalid


class Payment(BaseModel):
    account: str
    amount: float


def declared(**changed: Any) -> Automation:
    usual: dict[str, Any] = {"contract": Payment, "model": "risk", "policy": Policy.file("rules.yaml")}
    return Automation("payments", **{**usual, **changed})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"contract": 5}, "contract is a class made of pydantic.BaseModel, not 5"),
        ({"contract": dict}, "contract is a class made of pydantic.BaseModel, not "),
        ({"model": 5}, "model is a str, not 5"),
        ({"policy": "rules.yaml"}, "policy is a Policy, not 'rules.yaml'"),
        ({"subject": 5}, "subject is a str, not 5"),
        ({"lateness": 3600}, "lateness is a timedelta, not 3600"),
        ({"review": "queue"}, "review is a Review, not 'queue'"),
        ({"risk": 0.01}, "risk is a MaxError or a MaxCost, not 0.01"),
        ({"budget": 5}, "budget is a Budget, not 5"),
        ({"results": "warehouse"}, "results is an ActionSpec, not 'warehouse'"),
        ({"features": "amount"}, "features is a list or tuple, of which each is "),
        ({"features": ["amount"]}, "each of features is a Request or a Window or a Lookup, not 'amount'"),
        ({"expect": [5]}, "each of expect is an Expect, not 5"),
        ({"trigger": "kafka"}, "trigger is a list or tuple, of which each is a Trigger, not 'kafka'"),
        ({"trigger": ["kafka"]}, "each of trigger is a Trigger, not 'kafka'"),
        ({"procedures": [len]}, "each of procedures is a ProcedureSpec, not "),
        ({"actions": ["pause"]}, "actions is a dict from outcomes to actions, not "),
        ({"actions": {"pause": "webhook"}}, (r"action 'pause' is what a connector makes, as webhook\('bank'\), not "
                                            r"'webhook'")),
    ],
)  # fmt: skip
def test_another_kind_of_thing_is_told_with_what_was_expected(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationInvalid, match=f"Automation 'payments': {said}"):
        declared(**changed)


def test_a_name_is_a_text() -> None:
    with pytest.raises(DeclarationInvalid, match="Automation 5: a name is "):
        Automation(5, contract=Payment, model="risk", policy=Policy.file("rules.yaml"))  # type: ignore[arg-type]


def test_lists_and_tuples_are_taken() -> None:
    window = Window("amount", by="account", over=("1h",))
    assert declared(features=[window]).features == declared(features=(window,)).features

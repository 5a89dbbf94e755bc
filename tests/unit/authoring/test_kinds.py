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
        ({"contract": 5}, "contract must be a subclass of pydantic.BaseModel, got 5"),
        ({"contract": dict}, "contract must be a subclass of pydantic.BaseModel, got "),
        ({"model": 5}, "model must be a str, got 5"),
        ({"policy": "rules.yaml"}, "policy must be a Policy, got 'rules.yaml'"),
        ({"subject": 5}, "subject must be a str, got 5"),
        ({"lateness": 3600}, "lateness must be a timedelta, got 3600"),
        ({"review": "queue"}, "review must be a Review, got 'queue'"),
        ({"risk": 0.01}, "risk must be a MaxError or a MaxCost, got 0.01"),
        ({"budget": 5}, "budget must be a Budget, got 5"),
        ({"results": "warehouse"}, "results must be an ActionSpec, got 'warehouse'"),
        ({"features": "amount"}, "features must be a list or tuple, each item a Request"),
        ({"features": ["amount"]}, "each of features must be a Request or a Window or a Lookup, got 'amount'"),
        ({"expect": [5]}, "each of expect must be an Expect, got 5"),
        ({"trigger": "kafka"}, "trigger must be a list or tuple, each item a Trigger, got 'kafka'"),
        ({"trigger": ["kafka"]}, "each of trigger must be a Trigger, got 'kafka'"),
        ({"procedures": [len]}, "each of procedures must be a ProcedureSpec, got "),
        ({"actions": ["pause"]}, "actions must be a dict from outcomes to actions, got "),
        (
            {"actions": {"pause": "webhook"}},
            r"action 'pause' must be built by a connector, such as webhook\('bank'\), got 'webhook'",
        ),
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

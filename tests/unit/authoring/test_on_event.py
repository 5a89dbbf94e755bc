"""`@on_event(...)`: a function becomes the trigger that an automation names.

Errors name the line of the declaration.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from andon import Automation, Policy, kafka, nats, on_event, table
from andon.authoring import DeclarationInvalid
from andon.decisions import AutomationInvalid, load_file


class Payment(BaseModel):
    account: str
    amount: float


def payment(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Only what was paid."""
    return {"account": event["from"], "amount": event["amount"]} if event["paid"] else None


def test_the_function_becomes_the_trigger_of_the_automation_that_names_it() -> None:
    payments = on_event(nats("PAYMENTS", subjects=("payments.eu",), types=("payment.made",)))(payment)
    automation = Automation(
        "screening", contract=Payment, model="m", policy=Policy.yaml("outcomes: []"), trigger=payments
    )
    (trigger,) = automation.triggers
    assert trigger == nats("PAYMENTS", subjects=("payments.eu",), types=("payment.made",), read=payment)
    assert payments.read is not None
    assert payments.read({"from": "a1", "amount": 5, "paid": True}) == {"account": "a1", "amount": 5}
    assert payments.read({"from": "a1", "amount": 5, "paid": False}) is None


def two(event: object, other: object) -> None: ...


async def later(event: object) -> None: ...


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: on_event(payment), "needs a source of events.* got the function payment"),  # type: ignore[arg-type]
        (lambda: on_event("payments"), "needs a source of events.* got 'payments'"),  # type: ignore[arg-type]
        (lambda: on_event(kafka("payments", read=payment)), "'kafka:payments'.* `read` is already given"),
        (lambda: on_event(kafka("payments"))(two), "two must take one argument"),  # type: ignore[arg-type]
        (lambda: on_event(kafka("payments"))(later), "later must be a plain function"),  # type: ignore[arg-type]
        (lambda: on_event(kafka("payments"))(5), "int must be a function of the event"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_work_is_refused_where_it_is_declared(declare: Any, words: str) -> None:
    with pytest.raises(DeclarationInvalid, match=words):
        declare()


PROJECT = """
from pydantic import BaseModel
from andon import Automation, Policy, kafka, on_event


class Payment(BaseModel):
    amount: float


@on_event(kafka("payments"))
def payments(event):
    return event


screening = Automation("screening", contract=Payment, model="m", policy=Policy.yaml("outcomes: []"){more})
"""


def test_a_function_that_no_automation_takes_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "automation.py"
    file.write_text(PROJECT.format(more=""), encoding="utf-8")
    with pytest.raises(
        AutomationInvalid, match="no automation here takes them: name it with trigger=payments"
    ) as caught:
        load_file(file)
    assert f"{file}:10" in str(caught.value)
    file.write_text(PROJECT.format(more=", trigger=payments"), encoding="utf-8")
    (automation,) = load_file(file)
    assert [trigger.name for trigger in automation.triggers] == ["kafka:payments"]


def test_other_values_at_the_top_level_are_nobodys_business(tmp_path: Path) -> None:
    file = tmp_path / "automation.py"
    text = PROJECT.format(more=", trigger=payments") + "\nunused = kafka('elsewhere')\n"
    file.write_text(text, encoding="utf-8")
    (automation,) = load_file(file)
    assert automation.triggers[0].place == "payments"
    assert table("sales.payments").read is None

"""The automation of most tests, with only what deciding needs, since it is imported at each start."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field

from andon import Automation, Monitors, Policy, Request, Review, ServiceLevel, Window, webhook

POLICY = """
outcomes: [release, pause, review]
lists:
  sanctioned: [KP]
rules:
  - {id: sanctioned, when: 'input.country in lists.sanctioned', then: pause, reasons: [SANCTIONED_COUNTRY]}
  - {id: risky, when: 'prediction.score >= 0.8', then: pause, unproven: true, reasons: [HIGH_SCORE]}
  - {id: safe, when: 'prediction.score < 0.3', then: release, unproven: true}
otherwise: review
"""


class Payment(BaseModel):
    """What the test automation takes."""

    payment_id: str
    account: str
    amount: Annotated[float, Field(gt=0)]
    country: str = "DE"


def an_automation(name: str = "payments", *, windows: bool = True, when_stopped: str = "review") -> Automation:
    """Pauses large amounts and sanctioned countries, releases small ones, asks a person about the rest."""
    window = [Window("amount", by="account", over=("1h",), aggregates=("count", "sum"))] if windows else []
    return Automation(
        name,
        contract=Payment,
        subject="account",
        features=[Request("round_amount", lambda payment: payment["amount"] % 100 == 0), *window],
        model="fraud-risk",
        policy=Policy.yaml(POLICY),
        actions={"pause": webhook("bank"), "release": webhook("bank")},
        review=Review(queue="fraud", due=timedelta(minutes=15)),
        when_stopped=when_stopped,
    )


def a_forgiving_line(*, policy: str = POLICY, review: Review | None = None, **more: Any) -> Automation:
    """Payments with a service level that few decisions are enough to prove."""
    return Automation(
        "payments",
        contract=Payment,
        subject="account",
        model="fraud-risk",
        policy=Policy.yaml(policy),
        review=review or Review(queue="fraud"),
        monitors=Monitors(service=ServiceLevel(share=0.95)),
        **more,
    )


def payment(number: int = 1, **fields: Any) -> Mapping[str, Any]:
    """Return a payment as a caller sends it."""
    return {"payment_id": f"p{number}", "account": "a1", "amount": 50.0, "country": "DE", **fields}

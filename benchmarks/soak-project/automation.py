"""The lines that `script/bench soak` runs for an hour: one with all kinds of effects, one on an isolated model."""

from typing import Annotated

from pydantic import BaseModel, Field

from andon import Automation, MaxError, Policy, Review, Window, webhook

POLICY = """
outcomes: [release, pause, review]
rules:
  - {id: large, when: 'input.amount > 900.0', then: pause, reasons: [LARGE]}
  - {id: risky, when: 'prediction.score >= 0.7', then: pause, reasons: [HIGH_SCORE]}
  - {id: safe, when: 'prediction.score < 0.4', then: release}
otherwise: review
"""


class Payment(BaseModel):
    """A request of the callers."""

    account: Annotated[str, Field(max_length=32)]
    amount: Annotated[float, Field(gt=0)]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]


class Reading(BaseModel):
    """A request of the callers of the isolated model."""

    x: float


payments = Automation(
    "payments",
    contract=Payment,
    subject="account",
    features=[Window("amount", by="account", over=("1h",), aggregates=("count", "sum"))],
    model="soak-model",
    policy=Policy.yaml(POLICY),
    actions={"pause": webhook("bank")},
    review=Review(queue="soak"),
    risk=MaxError(0.1),
    fallback=("rules",),
)

readings = Automation(
    "readings",
    contract=Reading,
    model="soak-isolated",
    policy=Policy.yaml(
        POLICY.replace("  - {id: large, when: 'input.amount > 900.0', then: pause, reasons: [LARGE]}\n", "")
    ),
    review=Review(queue="soak"),
)

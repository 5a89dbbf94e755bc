"""The line whose predictions `script/bench budget` pays for; once the budget is spent it decides by rules alone."""

import os
from typing import Annotated

from pydantic import BaseModel, Field

from andon import Automation, Budget, Policy, Review, Window

POLICY = """
outcomes: [release, pause, review]
rules:
  - {id: large, when: 'input.amount > 300.0', then: pause, reasons: [LARGE]}
  - {id: risky, when: 'prediction.score >= 0.7', then: pause, reasons: [HIGH_SCORE]}
  - {id: safe, when: 'prediction.score < 0.4', then: release}
otherwise: review
"""


class Payment(BaseModel):
    """A request of the callers."""

    account: Annotated[str, Field(max_length=32)]
    amount: Annotated[float, Field(gt=0)]


payments = Automation(
    "payments",
    contract=Payment,
    subject="account",
    features=[Window("amount", by="account", over=("1h",), aggregates=("count", "sum"))],
    model="amounts",
    policy=Policy.yaml(POLICY),
    review=Review(queue="budget"),
    budget=Budget(float(os.environ["BUDGET"]), per="day"),
    fallback=("rules",),
)

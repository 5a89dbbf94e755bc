"""The line that `script/bench decide` measures: 17 numbers in, 3 windows over them, five rules, a review queue."""

from typing import Annotated

from pydantic import BaseModel, Field

from andon import Automation, MaxError, Policy, Review, Window


class Row(BaseModel):
    """A request of the callers."""

    account_id: Annotated[str, Field(max_length=32)]
    amount: Annotated[float, Field(gt=0)]
    v1: float
    v2: float
    v3: float
    v4: float
    v5: float
    v6: float
    v7: float
    v8: float
    v9: float
    v10: float
    v11: float
    v12: float
    v13: float
    v14: float
    v15: float
    v16: float


bench = Automation(
    "bench",
    contract=Row,
    subject="account_id",
    features=[Window("amount", by="account_id", over=("1h",), aggregates=("count", "sum", "max"))],
    model="bench-model",
    policy=Policy.file("policy.yaml"),
    review=Review(queue="bench"),
    risk=MaxError(0.1),
)

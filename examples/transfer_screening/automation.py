"""Transfer screening: release what is proven safe, pause what is proven risky, and show the rest to a person."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from andon import Automation, MaxError, Policy, Request, Review, Window, webhook


class Transfer(BaseModel):
    """One transfer, as the core banking system sends it before it is carried out."""

    model_config = ConfigDict(extra="forbid")

    transfer_id: Annotated[str, Field(min_length=1, max_length=64)]
    account_id: Annotated[str, Field(min_length=1, max_length=64)]
    amount: Annotated[float, Field(gt=0, le=10_000_000, description="In the account's currency")]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$", description="Where the beneficiary's bank is, ISO 3166")]
    channel: Literal["mobile", "web", "branch", "api"]
    hour: Annotated[int, Field(ge=0, le=23, description="Hour of the day where the account holder lives")]
    beneficiary_is_new: bool
    account_age_days: Annotated[int, Field(ge=0)]
    device_trust: Annotated[
        float | None, Field(ge=0, le=1, description="How well the device is known; none by API")
    ] = None


def at_night(transfer: Mapping[str, Any]) -> bool:
    """Whether people normally sleep at this hour."""
    return bool(transfer["hour"] < 6)


screening = Automation(
    "transfer-screening",
    contract=Transfer,
    subject="account_id",
    features=[
        Request("at_night", at_night),
        Window("amount", by="account_id", over=("10m", "1h", "24h"), aggregates=("count", "sum", "max")),
    ],
    model="fraud-risk",
    policy=Policy.file("policies/transfer_screening.yaml"),
    actions={"pause": webhook("core-banking"), "release": webhook("core-banking")},
    review=Review(queue="fraud", due=timedelta(minutes=15)),
    risk=MaxError(0.003, confidence=0.95),
)

"""The line of `script/bench serving`: 24 fields, 3 features of the request, 100 trees, five rules, reviews."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from andon import Automation, MaxError, Policy, Request, Review

Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[float, Field(ge=0)]
Money = Annotated[float, Field(ge=0, le=10_000_000)]


class Transfer(BaseModel):
    """One transfer, as the core banking system sends it before it is carried out."""

    model_config = ConfigDict(extra="forbid")

    transfer_id: Annotated[str, Field(min_length=1, max_length=64)]
    account_id: Annotated[str, Field(min_length=1, max_length=64)]
    currency: Literal["EUR", "USD", "GBP"]
    channel: Literal["mobile", "web", "branch", "api"]
    country: Country
    beneficiary_country: Country
    instant: bool
    amount: Annotated[float, Field(gt=0, le=10_000_000)]
    balance: Money
    usual_amount: Money
    hour: Annotated[float, Field(ge=0, lt=24)]
    account_age_days: Count
    transfers_today: Count
    transfers_week: Count
    amount_today: Money
    failed_logins: Count
    device_trust: Share
    device_age_days: Count
    distance_km: Count
    beneficiary_age_days: Count
    beneficiary_count: Count
    session_seconds: Count
    typing_speed: float
    credit_used: Share


def amount_of_balance(sent: Mapping[str, Any]) -> float:
    """Return the share of the account that this takes."""
    return float(sent["amount"] / max(sent["balance"], 1.0))


def amount_of_usual(sent: Mapping[str, Any]) -> float:
    """Return how many times the usual amount of the account this is."""
    return float(sent["amount"] / max(sent["usual_amount"], 1.0))


def is_night(sent: Mapping[str, Any]) -> float:
    """Return 1 before six o'clock."""
    return float(sent["hour"] < 6)


serving = Automation(
    "serving",
    contract=Transfer,
    subject="account_id",
    features=[
        Request("amount_of_balance", amount_of_balance),
        Request("amount_of_usual", amount_of_usual),
        Request("is_night", is_night),
    ],
    model="serving-model",
    policy=Policy.file("policy.yaml"),
    review=Review(queue="serving"),
    risk=MaxError(0.1),
)

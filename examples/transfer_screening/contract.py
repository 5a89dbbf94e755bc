"""The input: one transfer, with types and ranges."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


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

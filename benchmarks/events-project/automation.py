"""The lines that `script/bench events` measures.

`events` decides: 13 fields, 9 window features, 100 trees, four rules, a review queue. `idle` does everything except
deciding: each event is read by the contract, passes the line and is recorded, without windows, by one stump and one
rule. `nothing` only reads: it decodes each event and leaves it out, so only its position moves.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from andon import Automation, MaxError, Policy, Review, Window, kafka, nats

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[float, Field(ge=0)]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]


class Transfer(BaseModel):
    """One transfer, as the core banking system reports it."""

    transfer_id: Annotated[str, Field(min_length=1, max_length=64)]
    account_id: Annotated[str, Field(min_length=1, max_length=64)]
    country: Country
    beneficiary_country: Country
    instant: bool
    amount: Annotated[float, Field(gt=0, le=10_000_000)]
    balance: Count
    usual_amount: Count
    hour: Annotated[float, Field(ge=0, lt=24)]
    failed_logins: Count
    device_trust: Share
    beneficiary_age_days: Count
    distance_km: Count


def leave_out(event: Mapping[str, Any]) -> None:
    """Return nothing of the event."""


def subjects(stream: str) -> tuple[str, ...]:
    """As many partitions as the Kafka topics have."""
    return tuple(f"{stream}.{part}" for part in range(4))


events = Automation(
    "events",
    contract=Transfer,
    subject="account_id",
    features=[Window("amount", by="account_id", over=("10m", "1h", "24h"), aggregates=("count", "sum", "max"))],
    model="events-model",
    policy=Policy.file("policy.yaml"),
    review=Review(queue="events"),
    risk=MaxError(0.1),
    trigger=(kafka("transfers"), nats("TRANSFERS", subjects=subjects("TRANSFERS"))),
)

idle = Automation(
    "idle",
    contract=Transfer,
    subject="account_id",
    model="idle-model",
    policy=Policy.yaml(
        "outcomes: [release, review]\nrules:\n  - {id: all, when: 'true', then: release}\notherwise: review\n"
    ),
    review=Review(queue="events"),
    trigger=(kafka("passing"), nats("PASSING", subjects=subjects("PASSING"))),
)

nothing = Automation(
    "nothing",
    contract=Transfer,
    subject="account_id",
    features=events.features,
    model="events-model",
    policy=Policy.file("policy.yaml"),
    review=Review(queue="events"),
    risk=MaxError(0.1),
    trigger=(kafka("untouched", read=leave_out), nats("UNTOUCHED", subjects=subjects("UNTOUCHED"), read=leave_out)),
)

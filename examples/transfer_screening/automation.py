"""Transfer screening: release what is proven safe, pause what is proven risky, and show the rest to a person."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from andon import (
    Automation,
    BlindAudit,
    CordRule,
    MaxError,
    Measure,
    Policy,
    Request,
    Review,
    Truth,
    Window,
    run_procedure,
    webhook,
)

from contract import Transfer
from procedures import pause_transfer


def at_night(transfer: Mapping[str, Any]) -> bool:
    """Return whether people normally sleep at this hour."""
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
    actions={"pause": run_procedure(pause_transfer), "release": webhook("core-banking")},
    procedures=[pause_transfer],
    review=Review(queue="fraud", due=timedelta(minutes=15)),
    risk=MaxError(0.003, confidence=0.95),
    truth=Truth({"pause": "fraud", "release": "honest"}, matures=timedelta(days=7), unreported="honest"),
    audit=BlindAudit(0.02, least=0.005, most=0.2),
    cord=[CordRule("gate", level="critical")],
    checklist=["the cause is known and gone", "people have labelled what was held"],
    measures=[
        Measure("screened", unit="EUR", value="input.amount"),
        Measure("prevented", unit="EUR", value="input.amount", when='outcome == "pause" && label == "fraud"'),
        Measure("let_through", unit="EUR", value="input.amount", when='outcome == "release" && label == "fraud"'),
    ],
)

"""Decisions with labels, for the tests of this folder."""

from datetime import datetime
from typing import Any
from uuid import UUID

from andon import decisions, labels
from andon.decisions import DecisionRow
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.labels import Label, LabelSource
from automations import payment
from calls import DECIDE, call
from lines import CALLER, Installation

BANK = Actor("bank")


def decided(installation: Installation, *, amount: float = 50.0) -> DecisionRow:
    """One payment, decided and recorded."""
    key = installation.key(f"caller-{amount}", CALLER)
    answer = call(installation, "POST", DECIDE, key, json=payment(amount=amount)).json()
    with installation.database.begin() as tx:
        return decisions.get(tx, UUID(answer["id"])).row


def say(
    tx: Tx,
    row: DecisionRow,
    value: str,
    source: LabelSource = LabelSource.EVENT,
    *,
    now: datetime,
    events: Events | None = None,
    **more: Any,
) -> Label:
    """Record a label."""
    return labels.record(
        tx,
        decision_id=row.id,
        value=value,
        source=source,
        actor=BANK,
        events=events or Events(),
        now=now,
        **more,
    )

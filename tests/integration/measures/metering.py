"""Payments that are worth something, and a meter that measures them, for the tests of this folder."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from andon import Automation, Measure, Truth, decisions, labels, measures
from andon.decisions import DecisionRow
from andon.evidence import DecisionStream
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.labels import LabelSource
from andon.measures import Grouping, MeasureSum, Meter
from automations import an_automation, payment
from calls import DECIDE, call
from lines import CALLER, Installation

BANK = Actor("bank")
EVER = date(2000, 1, 1), date(2100, 1, 1)

SCREENED = Measure("screened", unit="EUR", value="input.amount")
LET_THROUGH = Measure(
    "let_through",
    unit="EUR",
    value="input.amount * 2",
    when='outcome == "release" && label == "fraud"',
    by=("country",),
)
REFUNDED = Measure("refunded", unit="EUR")


def measured(*declared: Measure) -> Automation:
    """Return the standing automation with these measures, or all three."""
    automation = an_automation()
    automation.truth = Truth({"pause": "fraud", "release": "ok"}, matures=timedelta(days=30), unreported="ok")
    automation.measures = declared or (SCREENED, LET_THROUGH, REFUNDED)
    return automation


def hearing() -> Events:
    """Return a bus on which labels have decisions measured again."""
    events = Events()
    measures.subscribe(events)
    return events


def decide(installation: Installation, number: int = 1, **fields: Any) -> DecisionRow:
    """One payment, decided and recorded."""
    key = installation.key(f"caller-{number}", CALLER)
    answer = call(installation, "POST", DECIDE, key, json=payment(number, **fields)).json()
    with installation.database.begin() as tx:
        return decisions.get(tx, UUID(answer["id"])).row


def say(database: Database, row: DecisionRow, value: str, now: datetime, **more: Any) -> labels.Label:
    """Record a label as a business system does."""
    with database.begin() as tx:
        return labels.record(
            tx,
            decision_id=row.id,
            value=value,
            source=LabelSource.EVENT,
            actor=BANK,
            events=hearing(),
            now=now,
            **more,
        )


def work(database: Database, meter: Meter, now: datetime) -> None:
    """Let the meter do everything that there is to do."""
    stream, more = DecisionStream([meter]), True
    while more:
        with database.begin() as tx:
            read = stream.take(tx, now)
            more = meter.work(tx, now) or read


def sums(database: Database, by: Grouping | None = None) -> list[MeasureSum]:
    """All sums of the standing automation."""
    with database.begin() as tx:
        return measures.sums(tx, "payments", *EVER, by)


def shown(database: Database) -> dict[str, tuple[int, int, Decimal]]:
    """Decisions, counted ones and total by measure."""
    return {one.measure: (one.decisions, one.counted, one.total) for one in sums(database)}

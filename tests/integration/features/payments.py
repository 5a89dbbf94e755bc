"""A payments line with every kind of feature over a real database, and requests for it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from pydantic_core import to_json
from sqlalchemy import text

from andon import Automation, Expect, Lookup, Policy, Window, webhook
from andon.decisions import Decider, Decision, DecisionRequest
from andon.decisions.metrics import DecisionMetrics
from andon.kernel.db import Database
from andon.kernel.ids import uuid7
from andon.kernel.metrics import Metrics
from automations import Payment, payment
from lines import Installation, install

POLICY = """
outcomes: [release, pause, review]
rules:
  - {id: odd, when: '!features.expectations_hold', then: review, reasons: [UNEXPECTED_VALUES]}
  - {id: gold, when: 'features.customers_segment == "gold"', then: release}
otherwise: pause
"""

SEGMENT = Lookup(
    "customers",
    by="account",
    columns=("segment",),
    fresh="1h",
    default={"segment": "unknown"},
    updated="written",
    oldest="30d",
)
VELOCITY = Window("amount", by="account", over=("1h", "24h"), aggregates=("count", "sum", "last", "std"))


def a_line(*lookups: Lookup) -> Automation:
    return Automation(
        "payments",
        contract=Payment,
        model="fraud-risk",
        features=[*(lookups or (SEGMENT,)), VELOCITY],
        expect=[Expect("amount_sum_24h", at_most=1_000), Expect("country", one_of=("DE", "FR"))],
        policy=Policy.yaml(POLICY),
        actions={"pause": webhook("bank")},
    )


def with_customers(database: Database) -> None:
    with database.begin() as tx:
        tx.execute(
            text("CREATE TABLE customers (account text PRIMARY KEY, segment text, written timestamptz, doc jsonb)")
        )
        tx.execute(
            text(
                "INSERT INTO customers VALUES ('a1', 'gold', now()), ('a2', NULL, now()), ('old', 'gold', now() - "
                "interval '31 days')"
            )
        )


def installed(database: Database, folder: Path, automation: Automation | None = None) -> Installation:
    with_customers(database)
    return install(database, folder, automation or a_line())


def request(installation: Installation, fields: Mapping[str, Any], *, late: timedelta | None = None) -> DecisionRequest:
    now: datetime = installation.clock.now()
    raw, identifier = to_json(payment(**fields)), uuid7(now)
    return DecisionRequest(
        id=identifier,
        automation="payments",
        raw=raw,
        input=installation.deployment.lines["payments"].contract.read(raw),
        caller="test",
        correlation_id=str(identifier),
        asked_at=now,
        began_ns=perf_counter_ns(),
        happened_at=None if late is None else now - late,
    )


def decide(
    installation: Installation,
    *batches: Sequence[DecisionRequest],
    metrics: DecisionMetrics | None = None,
    breached: Callable[[str, str, int], None] | None = None,
) -> list[Decision]:
    """Decide batch after batch in one process."""

    async def run() -> list[Decision]:
        decider = Decider(
            installation.database,
            lambda: installation.deployment.lines,
            clock=installation.clock,
            controls=installation.deployment.controls,
            watcher=metrics or DecisionMetrics(Metrics(), breached=breached),
        )
        decided: list[Decision] = []
        try:
            for batch in batches:
                answers = await decider.decide_batch(batch)
                decided += [answers[one.id] for one in batch]
        finally:
            await decider.close()
        return decided

    return asyncio.run(run())

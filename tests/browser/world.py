"""A small bank for the browser: a model, a line with decisions, reviews, a dead letter, and people with keys."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter_ns
from typing import Annotated
from uuid import UUID

import lightgbm
import numpy as np
from pydantic import BaseModel, Field, TypeAdapter
from tests.people import LINE, OTHER_LINE

from andon import (
    Automation,
    MaxError,
    Policy,
    Review,
    Truth,
    Window,
    access,
    decisions,
    models,
    reviews,
    serving,
    webhook,
)
from andon.access import Grant, Role
from andon.decisions import Controls, Decider, DecisionRequest, Line, Unwatched
from andon.kernel import outbox
from andon.kernel.clock import Clock
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.models import FeatureKind, FeatureSpec

PEPPER = b"pepper" * 6
OWNER = Actor("olga")

POLICY = """
outcomes: [release, pause, review]
rules:
  - {id: sanctioned, when: 'input.country == "XA"', then: pause, reasons: [SANCTIONED_COUNTRY]}
  - {id: risky, when: 'risk.certain && prediction.score >= 0.8', then: pause, reasons: [HIGH_SCORE]}
  - {id: safe, when: 'risk.certain && prediction.score < 0.2', then: release}
otherwise: review
"""

FEATURES = (
    FeatureSpec("amount", FeatureKind.NUMBER),
    FeatureSpec("country", FeatureKind.CATEGORY, ("DE", "FR", "XA")),
)
CLASSES = ("ok", "fraud")

PEOPLE = {
    "ada": Grant(Role.ADMIN),
    "otto": Grant(Role.OPERATOR),
    "vera": Grant(Role.VIEWER),
    "stan": Grant(Role.OWNER, OTHER_LINE),
    "kai": Grant(Role.CALLER),
}
"""An admin, an operator, a viewer, a stranger who owns another line, and a program that may only ask."""


class Transfer(BaseModel):
    """What the line decides on."""

    account_id: str
    amount: Annotated[float, Field(gt=0)]
    country: str


screening = Automation(
    LINE,
    contract=Transfer,
    subject="account_id",
    features=[Window("amount", by="account_id", over=("10m", "24h"), aggregates=("count", "sum", "max"))],
    model="fraud-risk",
    policy=Policy.yaml(POLICY),
    actions={"pause": webhook("core-banking"), "release": webhook("core-banking")},
    review=Review(queue="fraud", due=timedelta(minutes=15)),
    risk=MaxError(0.05),
    truth=Truth({"pause": "fraud", "release": "ok"}, matures=timedelta(days=7), unreported="ok"),
)


def a_package(folder: Path, *, seed: int = 1) -> Path:
    """Make a LightGBM model: the larger the amount, the more suspicious."""
    rng = np.random.default_rng(seed)
    rows = {"amount": rng.gamma(2.0, 150.0, 4000), "country": rng.choice(["DE", "FR", "XA"], 4000)}
    labels = np.where(rows["amount"] + rng.normal(0, 60, 4000) > 600, "fraud", "ok")
    training = {name: column[:2000] for name, column in rows.items()}, labels[:2000]
    held_out = {name: column[2000:] for name, column in rows.items()}, labels[2000:]
    encoded = models.encode(FEATURES, training[0]), models.encode_labels(CLASSES, training[1])
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, lightgbm.Dataset(*encoded), 20)
    return models.pack(
        folder,
        name="fraud-risk",
        model=booster,
        features=FEATURES,
        classes=CLASSES,
        training=training,
        held_out=held_out,
        split="the first half trains",
    )


def registered(database: Database, package: Path, *, now: datetime, reason: str) -> models.ModelVersion:
    """Return a version in the registry that is its model's champion."""
    with database.begin() as tx:
        version = models.register(tx, package, actor=OWNER, events=Events(), reason=reason, now=now)
        models.set_alias(
            tx, version.name, models.CHAMPION, version.number, actor=OWNER, events=Events(), reason=reason, now=now
        )
    return version


def the_line(database: Database, version: models.ModelVersion, cache: Path, clock: Clock) -> Line:
    """Return the line, deployed."""
    with database.begin() as tx:
        folder = models.fetch(tx, version, cache)
        deployed = decisions.deploy(tx, screening, actor=OWNER, now=clock.now())
    return decisions.assemble(screening, serving.load(version, folder), number=deployed.number)


def decided(database: Database, line: Line, clock: Clock, transfers: Sequence[Transfer]) -> list[UUID]:
    """Return the ids of these transfers, decided and recorded."""
    requests = [a_request(transfer, clock.now()) for transfer in transfers]

    async def decide() -> None:
        decider = Decider(database, lambda: {LINE: line}, clock=clock, controls=Controls({}), watcher=Unwatched())
        await decider.decide_batch(requests)
        await decider.close()

    with ThreadPoolExecutor(1) as beside:  # this thread may already run the loop of the browser's driver
        beside.submit(lambda: asyncio.run(decide())).result()
    return [request.id for request in requests]


def some_transfers(count: int, *, seed: int = 3) -> list[Transfer]:
    """Transfers of which a few are large and some come from a sanctioned country."""
    rng = np.random.default_rng(seed)
    return [
        Transfer(
            account_id=f"acc-{rng.integers(40):04}",
            amount=round(float(rng.gamma(2.0, 150.0)) + 1, 2),
            country=str(rng.choice(["DE", "FR", "XA"], p=[0.7, 0.28, 0.02])),
        )
        for _ in range(count)
    ]


def killed(database: Database, *, now: datetime, keep: int) -> list[UUID]:
    """Return the ids of `keep` actions that became dead letters; all others are done."""
    with database.begin() as tx:
        which = outbox.MessageSelection()
        found = outbox.page(tx, decisions.DELIVER_ACTION, outbox.MessageState.PENDING, which=which, limit=10_000)
        claimed = found[::-1]
        for message in claimed[keep:]:
            outbox.settle(tx, message.id, outbox.MessageState.DONE, now=now)
        for message in claimed[:keep]:
            outbox.settle(
                tx, message.id, outbox.MessageState.DEAD, now=now, error="gave up after 12 attempts; the last: 503"
            )
    return [message.id for message in claimed[:keep]]


def opened(database: Database, now: datetime) -> int:
    """How many reviews were opened."""
    with database.begin() as tx:
        return reviews.open_due(tx, now=now)


def keys_of(database: Database, now: datetime) -> dict[str, str]:
    """Return a key for each of PEOPLE."""
    with database.begin() as tx:
        return {
            name: access.create_key(
                tx,
                name=name,
                grants=[grant],
                expires_at=None,
                actor=OWNER,
                events=Events(),
                reason="works here",
                pepper=PEPPER,
                now=now,
            )[1]
            for name, grant in PEOPLE.items()
        }


def a_request(transfer: Transfer, at: datetime) -> DecisionRequest:
    """As a door would ask."""
    return DecisionRequest(
        id=uuid7(at),
        automation=LINE,
        raw=TypeAdapter(Transfer).dump_json(transfer),
        input=transfer.model_dump(),
        caller="kai",
        correlation_id=f"corr-{transfer.account_id}",
        asked_at=at,
        began_ns=perf_counter_ns(),
    )

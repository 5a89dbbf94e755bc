"""A line with a risk gate, decisions of it, and labels that say what was true: for tests of proofs."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter_ns
from typing import Any
from uuid import UUID

import numpy as np
from pydantic_core import to_json

from andon import Automation, MaxError, Policy, Review, Truth, gates, labels, proofs
from andon.authoring import RiskBound
from andon.decisions import Decision, DecisionRequest, Idempotency
from andon.evidence import EvidenceRounds
from andon.gates import ArmRevisions
from andon.kernel.db import Database, Tx
from andon.kernel.events import Events
from andon.kernel.ids import uuid7
from andon.labels import LabelSource, TruthReport
from automations import Payment
from lines import OWNER, Installation, install

DUE = timedelta(minutes=15)
"""The age at which the decisions of the line count."""

POLICY = """
outcomes: [release, pause, review]
rules:
  - {id: risky, when: 'risk.certain && prediction.score >= 0.5', then: pause}
  - {id: safe, when: 'risk.certain && prediction.score < 0.5', then: release}
otherwise: review
"""


def a_gated(risk: RiskBound | None, *, name: str = "gated", policy: str = POLICY, **more: Any) -> Automation:
    """Return an automation that acts only on what is certain."""
    more.setdefault("truth", Truth({"pause": "fraud", "release": "ok"}))
    return Automation(
        name,
        contract=Payment,
        subject="account",
        model="fraud-risk",
        policy=Policy.yaml(policy),
        review=Review(queue="fraud", due=DUE),
        risk=risk,
        **more,
    )


@dataclass(slots=True)
class GatedLine:
    """An installed line, and what has happened on it."""

    installation: Installation
    name: str
    seed: int = 5
    decided: list[Decision] = field(default_factory=list)
    rounds: EvidenceRounds = field(default_factory=EvidenceRounds)

    @property
    def database(self) -> Database:
        return self.installation.database

    @property
    def arm(self) -> str:
        return self.installation.deployment.lines[self.name].traffic.champion.name

    def decide(self, count: int, **fields: Any) -> list[Decision]:
        """Decide so many payments of random amounts; a field may be a function of the number."""
        self.installation.deployment.refresh_controls()
        self.seed += 1
        rng = np.random.default_rng(self.seed)
        amounts = rng.gamma(2.0, 100.0, count)
        line = self.installation.deployment.lines[self.name]

        def request(number: int) -> DecisionRequest:
            now = self.installation.clock.now()
            identifier = uuid7(now)
            own = {name: value(number) if callable(value) else value for name, value in fields.items()}
            row = {
                "payment_id": f"p{number}",
                "account": f"a{self.seed}-{number}",
                "amount": float(amounts[number]),
                **own,
            }
            raw = to_json(row)
            return DecisionRequest(
                id=identifier,
                automation=self.name,
                raw=raw,
                input=line.contract.read(raw),
                caller="bank",
                correlation_id=str(identifier),
                asked_at=now,
                began_ns=perf_counter_ns(),
                idempotency=Idempotency.of(self.name, "bank", str(identifier), raw),
            )

        async def run() -> list[Decision]:
            decider = self.installation.decider()
            await decider.open()
            try:
                made = await asyncio.gather(*(decider.decide(request(n)) for n in range(count)))
                assert None not in made, "each request is new"
                return [one for one in made if one is not None]
            finally:
                await decider.close()

        made = asyncio.run(run())
        self.decided += made
        return made

    def label(
        self, some: Sequence[Decision], true: Callable[[Decision], str], *, source: LabelSource = LabelSource.EVENT
    ) -> None:
        """Say what was true of decisions."""
        now = self.installation.clock.now()
        reports = [
            TruthReport(
                decision_id=one.request.id,
                value=true(one),
                source=source,
                probability=one.draw.probability or 1.0 if source is LabelSource.BLIND_AUDIT else 1.0,
            )
            for one in some
        ]
        with self.database.begin() as tx:
            labels.record_all(tx, reports, actor=OWNER, events=Events(), now=now)

    def prove(self, at: datetime | None = None) -> None:
        """Do what the worker's chores do until there is nothing more to do: when what was decided is old enough."""
        more, proving = True, proofs.ProofRounds()
        while more:
            with self.database.begin() as tx:
                more = self.step(tx, at, proving)

    def step(self, tx: Tx, at: datetime | None = None, proving: proofs.ProofRounds | None = None) -> bool:
        """One transaction of them."""
        now = at or self.installation.clock.now() + DUE
        collected = self.rounds.step(tx, now)
        return proofs.prove_lines(tx, proving or proofs.ProofRounds(), events=Events(), now=now) or collected

    def revisions(self, at: datetime | None = None) -> ArmRevisions:
        """Return the gates that may hold."""
        with self.database.begin() as tx:
            return gates.arm_revisions(tx, self.name, self.arm, at or self.installation.clock.now())

    def ids(self) -> list[UUID]:
        return [one.request.id for one in self.decided]


def a_gated_line(database: Database, folder: Path, risk: RiskBound | None = None, **more: Any) -> GatedLine:
    """Return a line with this bound."""
    automation = a_gated(risk or MaxError(0.1), **more)
    return GatedLine(install(database, folder, automation), automation.name)


def rightly(decision: Decision) -> str:
    """Return the predicted class."""
    assert decision.prediction is not None
    return decision.prediction.label


def wrongly(decision: Decision) -> str:
    """Return the other class."""
    return "ok" if rightly(decision) == "fraud" else "fraud"

"""An installed line with versions to roll out, with its worker and gateway: for tests of rollouts."""

import asyncio
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import Any

import lightgbm
import numpy as np
from pydantic_core import to_json
from sqlalchemy import text

from andon import models, rollouts
from andon.authoring import RolloutPlan
from andon.bootstrap.project import build_events
from andon.decisions import Decision, DecisionRequest
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.models import encode, encode_labels
from andon.rollouts import GuardrailState, Rollout, RolloutWatcher, RolloutWish
from andon.serving import Candidate, PredictionFailed
from automations import a_forgiving_line
from lines import Installation, install
from packages import CLASSES, FEATURES, packed, some_rows

OTTO, RITA = Actor("otto"), Actor("rita")

QUICK = RolloutPlan(
    stage_decisions=30, stage_time=timedelta(0), off=("slow", "cost", "expected-error", "calibration"), unit="decision"
)
"""A plan whose stages take no longer than their evidence. A test machine is no place for judging latencies."""

AHEAD = timedelta(seconds=2)
"""Shadows are read once they are settled."""


def a_version(folder: Path, *, flipped: bool = False) -> Path:
    """Return the usual model under another digest; flipped, it swaps fraud and honest."""
    return shutil.copytree(_kept(flipped).name, folder, dirs_exist_ok=True)


@cache
def _kept(flipped: bool) -> TemporaryDirectory[str]:
    place = TemporaryDirectory(prefix="andon-package-")
    (rows, labels), held_out = some_rows(1)
    if flipped:
        labels, held_out = _other(labels), (held_out[0], _other(held_out[1]))
    data = lightgbm.Dataset(encode(FEATURES, rows), encode_labels(CLASSES, labels))
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 5)
    packed(Path(place.name), booster, training=(rows, labels), held_out=held_out, split=f"the first half, {flipped=}")
    return place


def _other(labels: Sequence[str]) -> list[str]:
    return [CLASSES[1 - CLASSES.index(one)] for one in labels]


@dataclass(slots=True)
class RolledLine:
    """A line with version 1 as its champion, version 2 that is as good, and version 3 that has everything wrong."""

    installation: Installation
    events: Events
    seed: int = 11
    decided: list[Decision] = field(default_factory=list)
    _watcher: RolloutWatcher | None = None

    @property
    def database(self) -> Database:
        return self.installation.database

    @property
    def now(self) -> datetime:
        return self.installation.clock.now()

    def start(
        self,
        version: int | None = 2,
        *,
        policy: str = "",
        gate: float | None = None,
        plan: RolloutPlan = QUICK,
        **more: Any,
    ) -> Rollout:
        wish = RolloutWish("payments", "fraud-risk", version, policy, plan, gate)
        given: dict[str, Any] = {"actor": OTTO, "reason": "better offline", **more}
        with self.database.begin() as tx:
            started = rollouts.start(tx, wish, events=self.events, now=self.now, **given)
        self.installation.deployment.refresh()
        return started

    def act(self, change: Callable[..., Rollout], *, actor: Actor = RITA, reason: str = "test") -> Rollout:
        """Pause, resume, approve, abort or promote the newest rollout."""
        with self.database.begin() as tx:
            done = change(tx, "payments", None, actor=actor, reason=reason, events=self.events, now=self.now)
        self.installation.deployment.refresh()
        return done

    def watch(self, at: datetime | None = None) -> Rollout:
        """Do what the worker's chore does until there is nothing more to do."""
        self._watcher = self._watcher or RolloutWatcher(self.events)
        more = True
        while more:
            with self.database.begin() as tx:
                more = self._watcher.look(tx, at or self.now + AHEAD)
        self.installation.deployment.refresh()
        return self.rollout

    def judges(self, some: Iterable[tuple[Decision, str | None]], propensity: float = 1.0) -> None:
        """Let decisions reach the age at which they count, each with the class that is known by then, if any is."""
        statement = text(
            "INSERT INTO evidence_cases (decision_id, position, automation, arm, segment, subject, since, outcome, "
            "predicted, confidence, propensity, revision, supervised, automatic, audited, gated, looked, complete, "
            "decided_at, due_at, actual, floor, part_floor, weight) VALUES (:id, nextval('evidence_positions'), "
            "'payments', :arm, '{}', :subject, :at, :outcome, :predicted, :confidence, :propensity, 1, false, true, "
            "true, true, true, false, :at, :at, :actual, :propensity, :propensity, 1)"
        )
        rows = [
            {
                "id": one.request.id,
                "arm": one.line.arm,
                "subject": one.request.input["account"].encode(),
                "at": one.decided_at,
                "outcome": one.outcome,
                "predicted": one.prediction.label,
                "confidence": one.prediction.confidence,
                "propensity": propensity,
                "actual": actual,
            }
            for one, actual in some
            if one.prediction is not None
        ]
        with self.database.begin() as tx:
            tx.execute(statement, rows)

    def killed_while_it_looks(self) -> None:
        """Let a worker look, and kill it before it commits."""
        with self.database.engine.connect() as connection, connection.begin() as transaction:
            RolloutWatcher(self.events).look(connection, self.now + AHEAD)
            transaction.rollback()

    def another_worker(self) -> None:
        """Kill the worker; another takes over."""
        self._watcher = None

    @property
    def rollout(self) -> Rollout:
        """The newest one."""
        with self.database.begin() as tx:
            return rollouts.show(tx, "payments").rollout

    def states(self) -> Mapping[str, GuardrailState]:
        with self.database.begin() as tx:
            return {one.guardrail.name: one.state for one in rollouts.standings(tx, self.rollout)}

    def steps(self) -> list[str]:
        """Return the kinds of its events."""
        with self.database.begin() as tx:
            return [event.kind for event in rollouts.show(tx, "payments").events]

    def breaks(self, version: int, share: float = 1.0) -> None:
        """From now on a version fails on so many of its rows."""
        self._runs(version, lambda loaded: Failing(loaded, share))

    def slows(self, version: int, seconds: float) -> None:
        """From now on a version takes so long for each batch."""
        self._runs(version, lambda loaded: Slow(loaded, seconds))

    def _runs(self, version: int, made: Callable[[Any], Any]) -> None:
        deployment = self.installation.deployment
        line = deployment.lines["payments"]
        candidate = Candidate(version)
        broken = replace(line.traffic.arms[candidate], loaded=made(line.traffic.arms[candidate].loaded))
        traffic = replace(
            line.traffic,
            arms={**line.traffic.arms, candidate: broken},
            shadows=tuple(broken if one.version == version else one for one in line.traffic.shadows),
        )
        deployment.lines = {**deployment.lines, "payments": line.with_traffic(traffic)}

    def decide(self, count: int, *, accounts: int = 10_000, shadowed: bool = False) -> list[Decision]:
        """Decide payments of random amounts by random accounts; `shadowed` waits until the shadows have seen them."""
        self.installation.deployment.refresh_controls()
        self.seed += 1
        rng = np.random.default_rng(self.seed)
        amounts, whose = rng.gamma(2.0, 100.0, count), rng.integers(0, accounts, count)
        line = self.installation.deployment.lines["payments"]

        def request(number: int) -> DecisionRequest:
            now = self.now
            row = {"payment_id": f"p{number}", "account": f"a{whose[number]}", "amount": float(amounts[number])}
            raw = to_json(row)
            return DecisionRequest(
                id=uuid7(now),
                automation="payments",
                raw=raw,
                input=line.contract.read(raw),
                caller="bank",
                correlation_id=f"c{number}",
                asked_at=now,
                began_ns=perf_counter_ns(),
            )

        async def run() -> list[Decision]:
            decider = self.installation.decider()
            await decider.open()
            try:
                made = await asyncio.gather(*(decider.decide(request(n)) for n in range(count)))
                while shadowed and decider._shadows._running is not None:
                    await asyncio.sleep(0.01)
                return [one for one in made if one is not None]
            finally:
                await decider.close()

        made = asyncio.run(run())
        self.decided += made
        return made


class Slow:
    """A loaded version that takes its time and lets others work meanwhile, as one in a process of its own."""

    inline = False
    capacity = 4
    max_batch = 64

    def __init__(self, loaded: Any, seconds: float) -> None:
        self._loaded, self._seconds = loaded, seconds

    def predict(self, rows: Any) -> Any:
        return self._loaded.predict(rows)

    async def predict_soon(self, rows: Any, *, within: float) -> Any:
        del within
        await asyncio.sleep(self._seconds)
        return self._loaded.predict(rows)

    def take_cpu_us(self) -> int:
        return 0


class Failing:
    """A loaded version that raises for a part of its batches, as one whose process dies."""

    inline = True
    capacity = 1
    max_batch = 64

    def __init__(self, loaded: Any, share: float) -> None:
        self._loaded, self._share, self._rng = loaded, share, np.random.default_rng(3)

    def predict(self, rows: Any) -> Any:
        if self._rng.random() < self._share:
            raise PredictionFailed("it gave no usable probabilities")
        return self._loaded.predict(rows)

    async def predict_soon(self, rows: Any, *, within: float) -> Any:
        del within
        return self.predict(rows)

    def take_cpu_us(self) -> int:
        return 0


def a_rolled_line(database: Database, folder: Path, *automations: Any) -> RolledLine:
    """Return the standing automation, or another of that name, with three versions of its model."""
    installation = install(database, folder, *(automations or (a_forgiving_line(),)))
    for name, flipped in (("good", False), ("bad", True)):
        with database.begin() as tx:
            models.register(
                tx,
                a_version(folder / name, flipped=flipped),
                actor=OTTO,
                events=Events(),
                reason="test",
                now=installation.clock.now(),
            )
    return RolledLine(installation, build_events(Settings()))

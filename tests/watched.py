"""A line that monitors watch: its model is registered, its automation deployed, its ledger filled by the test."""

import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import text

from andon import Automation, decisions, evidence, models
from andon.audit import Chain, Leaf
from andon.decisions import RECORDED, Feed
from andon.decisions.domain import arm_name
from andon.decisions.record import digest_of
from andon.evidence import DecisionStream
from andon.kernel.db import Database, Tx
from andon.kernel.events import DomainEvent, Events
from andon.kernel.identity import PLATFORM
from andon.kernel.ids import uuid7
from andon.monitors import subscribe
from andon.monitors.chores import MonitorWork, chores
from andon.monitors.detecting import Detecting
from andon.monitors.judging import WindowJudge
from andon.monitors.reading import WindowTally
from andon.monitors.watching import Watching
from automations import an_automation
from packages import a_package

NOW = datetime(2026, 11, 24, tzinfo=UTC)
"""A midnight: windows of a day begin and end here."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

_LEAF = text(
    "INSERT INTO audit_entries (writer, seq, prev_hash, hash, at, actor, action, subject, body) "
    "VALUES (:writer, :seq, :prev_hash, :hash, :at, :actor, :action, :subject, :body)"
)
_DECISION = text(
    "INSERT INTO decisions (id, automation, automation_version, decided_at, outcome, rule, score, label, "
    "confidence, certain, model, model_version, policy_version, arm, caller, correlation_id, latency_us, writer, "
    "seq, salt, record) VALUES (:id, :automation, 1, :at, :outcome, :rule, :score, :label, :confidence, :certain, "
    "'fraud-risk', 1, 'abc', :arm, 'c', 'x', :latency_us, :writer, :seq, :salt, :record)"
)

ARM = arm_name("fraud-risk", 1, "abc")


class Published:
    """The published events, in order."""

    def __init__(self) -> None:
        self.events: list[DomainEvent] = []
        self.bus = Events()
        self.bus.subscribe(DomainEvent, lambda _, event: self.events.append(event))
        subscribe(self.bus)

    def of(self, kind: str) -> list[Any]:
        """Return the events of one type."""
        return [event for event in self.events if event.type == f"andon.monitor.{kind}"]


class WatchedLine:
    """One automation, its ledger and the worker's part of monitors."""

    def __init__(self, database: Database, folder: Path, automation: Automation | None = None) -> None:
        self.database = database
        self.published = Published()
        self.automation = automation or an_automation(windows=False)
        self.chain = Chain(uuid4())
        self.rng = np.random.default_rng(7)
        with database.begin() as tx:
            version = models.register(
                tx, a_package(folder), actor=PLATFORM, reason="a test", events=Events(), now=NOW - 60 * DAY
            )
            self.manifest = version.manifest
            decisions.deploy(tx, self.automation, actor=PLATFORM, now=NOW - 60 * DAY)
        self.anew()

    def anew(self) -> None:
        """Start as a process that was just begun."""
        self.watching = Watching(ttl=0.0)
        self.detecting = Detecting(self.watching)
        self.judge = WindowJudge(self.watching, self.detecting, self.published.bus, lambda *_: None)
        self.tally = WindowTally(self.watching, self.detecting, self.judge)

    def chores(self) -> dict[str, Callable[[Tx, datetime], bool]]:
        """Return the work of the chores of a new process by their names."""
        return {one.name: one.work for one in chores(MonitorWork(self.published.bus, lambda *_: None))}

    def usual(self, count: int) -> list[dict[str, Any]]:
        """Decisions as in training: amounts of the same gamma, the same countries."""
        amounts = self.rng.gamma(2.0, 100.0, count)
        countries = self.rng.choice(["DE", "FR", "XX"], count)
        return [{"amount": float(a), "country": str(c)} for a, c in zip(amounts, countries, strict=True)]

    def write(self, given: Sequence[dict[str, Any]], start: datetime, span: timedelta, **fields: Any) -> list[UUID]:
        """Record decisions spread over a span of time.

        `fields` replace columns; a function gets the number and the input.
        """
        rows = []
        for number, values in enumerate(given):
            at = start + span * number / len(given)
            rows.append(self._row(number, values, at, fields))
        body = b"".join(row["id"].bytes + digest_of(row["salt"], row["record"]) for row in rows)
        leaf = self.chain.link(actor="andon", action=RECORDED, subject=f"decisions:{len(rows)}", body=body, at=start)
        with self.database.begin() as tx:
            tx.execute(_LEAF, {name: getattr(leaf, name) for name in Leaf.__dataclass_fields__})
            tx.execute(_DECISION, [{**row, "writer": leaf.writer, "seq": leaf.seq} for row in rows])
        self.chain.advance(leaf)
        return [row["id"] for row in rows]

    def read(self, now: datetime = NOW, limit: int = 5000) -> int:
        """Read all that the feed has; how many decisions there were."""
        count = 0
        while True:
            with self.database.begin() as tx:
                taken = self.take(tx, now, limit)
            count += taken
            if not taken:
                return count

    def take(self, tx: Tx, now: datetime = NOW, limit: int = 5000) -> int:
        """Read the next decisions; how many there were."""
        before = _taken(tx)
        DecisionStream([self.tally], Feed(evidence.CONSUMER), limit).take(tx, now)
        assert evidence.held(tx) == {}
        return _taken(tx) - before

    def judged(self, now: datetime) -> None:
        """Judge every window that is due."""
        while True:
            with self.database.begin() as tx:
                due = self.judge.next_due(tx, now)
                if due is None:
                    return
                self.judge.judge(tx, *due, now)

    def _usual_score(self) -> float:
        """Return a score as on the held-out data."""
        scores = self.manifest.profile.scores
        counts = np.array(scores.counts)
        at = int(self.rng.choice(len(counts), p=counts / counts.sum()))
        return float(self.rng.uniform(scores.edges[at], scores.edges[at + 1]))

    def _row(self, number: int, given: dict[str, Any], at: datetime, fields: dict[str, Any]) -> dict[str, Any]:
        values = {name: one(number, given) if isinstance(one, Callable) else one for name, one in fields.items()}  # type: ignore[arg-type]
        fraud = values["score"] if "score" in values else self._usual_score()
        label = values.get("label", "fraud" if fraud is not None and fraud >= 0.5 else "ok")
        confidence = None if fraud is None else max(fraud, 1 - fraud)
        outcome, rule = values.get("outcome", "release"), values.get("rule", "safe")
        prediction = None
        if fraud is not None:
            probabilities = {"ok": 1 - fraud, "fraud": fraud}
            prediction = {"score": fraud, "label": label, "confidence": confidence, "probabilities": probabilities}
        record = {
            "input": {"payment_id": f"p{number}", "account": "a", **given},
            "features": {"round_amount": False},
            "prediction": prediction,
            "fallback": values.get("fallback"),
            "shape": 2,
            "asked_at": at.isoformat(),
            "decided_at": at.isoformat(),
            "caller": "c",
            "correlation_id": "x",
            "risk": {"certain": values.get("certain", fraud is not None), "threshold": 0.5, "target": 0.1},
            "line": {
                "automation": self.automation.name,
                "version": 1,
                "model": {"name": "fraud-risk", "version": 1, "digest": "d"},
                "policy_version": "abc",
                "arm": values.get("arm", ARM),
            },
            "policy": {"outcome": outcome, "rule": rule, "reasons": values.get("reasons", []), "error": None},
        }
        return {
            "id": uuid7(at),
            "automation": self.automation.name,
            "at": at,
            "outcome": outcome,
            "rule": rule,
            "score": fraud,
            "label": label if fraud is not None else None,
            "confidence": confidence,
            "certain": values.get("certain", fraud is not None),
            "arm": values.get("arm", ARM),
            "latency_us": values.get("latency_us", 2000),
            "salt": os.urandom(16),
            "record": json.dumps(record).encode(),
        }


def _taken(tx: Tx) -> int:
    return sum(one.taken for one in decisions.consumers(tx, evidence.CONSUMER))

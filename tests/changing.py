"""A line whose changes are made by the services, at moments that a test names."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from andon import Automation, BlindAudit, Policy, Review, alerts, cord, decisions, gates, models, policies, serving
from andon.cord import LineState
from andon.gates import ProvenGate
from andon.kernel.db import Database, Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.models import CHAMPION
from andon.serving import Candidate
from automations import POLICY, Payment
from packages import a_package

NAME = "payments"
MODEL = "fraud-risk"
OLGA = Actor("olga")


def policy_text(number: int) -> str:
    """Return the usual policy with another threshold, and so another version, for each number."""
    return POLICY.replace("0.8", f"0.{80000 + number}")


def policy_version(number: int) -> str:
    """Return its version."""
    return policies.parse(policy_text(number), source="test").version


def code(number: int, policy: int) -> Automation:
    """Return the automation as other code for each number, with one of the policies."""
    return Automation(
        NAME,
        contract=Payment,
        subject="account",
        model=MODEL,
        policy=Policy.yaml(policy_text(policy)),
        review=Review(queue=f"queue-{number}", due=timedelta(minutes=15)),
        audit=BlindAudit(0.02, least=0.01, most=0.2),
    )


@dataclass(slots=True)
class ChangingLine:
    """One automation in a database. Each act is a transaction at the given moment, by olga unless told otherwise."""

    database: Database
    folder: Path
    events: Events = field(default_factory=Events)

    def __post_init__(self) -> None:
        alerts.subscribe(self.events)

    def register(self, number: int, at: datetime) -> None:
        """Register the model's next version."""
        package = a_package(self.folder / f"package-{number}")
        manifest = json.loads((package / "manifest.json").read_text())
        manifest["environment"]["python"] = f"3.11.{number}"
        (package / "manifest.json").write_text(json.dumps(manifest))
        with self.database.begin() as tx:
            made = models.register(tx, package, actor=OLGA, reason="trained", events=self.events, now=at)
        assert made.number == number

    def deploy(self, number: int, policy: int, at: datetime) -> int:
        """Start a process with this code; the number of its version."""
        with self.database.begin() as tx:
            return decisions.deploy(tx, code(number, policy), actor=OLGA, now=at).number

    def release(self, version: int, at: datetime, by: Actor = OLGA, reason: str = "tested") -> None:
        """Let a deployed version decide."""
        with self.database.begin() as tx:
            decisions.release(tx, NAME, version, actor=by, reason=reason, now=at, events=self.events)

    def publish(self, policy: int, at: datetime) -> None:
        """Publish a policy."""
        with self.database.begin() as tx:
            self._publish(tx, policy, at)

    def set_policy(self, policy: int, at: datetime, by: Actor = OLGA, reason: str = "new rules") -> None:
        """Put a published policy in force."""
        with self.database.begin() as tx:
            version = policy_version(policy)
            policies.put_in_force(tx, NAME, version, actor=by, reason=reason, now=at, events=self.events)

    def promote(self, number: int, at: datetime, by: Actor = OLGA, reason: str = "better") -> None:
        """Make a model version the champion."""
        with self.database.begin() as tx:
            models.set_alias(tx, MODEL, CHAMPION, number, actor=by, reason=reason, events=self.events, now=at)

    def split(
        self,
        shares: Mapping[str, float],
        at: datetime,
        by: Actor = OLGA,
        shadows: tuple[str, ...] = (),
        reason: str = "a try",
    ) -> None:
        """Split the traffic between candidates."""
        with self.database.begin() as tx:
            serving.set_split(
                tx,
                NAME,
                MODEL,
                shares={Candidate.parse(name): share for name, share in shares.items()},
                shadows=[Candidate.parse(name) for name in shadows],
                actor=by,
                reason=reason,
                events=self.events,
                now=at,
            )

    def prove(self, arm: str, threshold: float, at: datetime) -> None:
        """Give an arm its gate from held-out rows, as a process that loads it does."""
        with self.database.begin() as tx:
            proven = ProvenGate(NAME, arm, 1, threshold, 0.01, 0.95, {"rows": 100})
            gates.ensure_held_out(tx, proven, events=self.events, now=at)

    def narrow(self, arm: str, threshold: float, at: datetime, by: Actor = OLGA) -> None:
        """Ask for more confidence."""
        with self.database.begin() as tx:
            gates.narrow(tx, NAME, arm, threshold=threshold, actor=by, reason="careful", events=self.events, now=at)

    def pull(self, at: datetime, state: LineState = LineState.SUPERVISED, by: Actor = OLGA, **segment: str) -> None:
        """Pull the cord."""
        with self.database.begin() as tx:
            cord.pull(tx, NAME, state=state, segment=segment, actor=by, reason="complaints", events=self.events, now=at)

    def let_go(self, at: datetime, **segment: str) -> None:
        """Release the cord."""
        with self.database.begin() as tx:
            cord.release(tx, NAME, segment=segment, actor=OLGA, reason="cause found", events=self.events, now=at)

    def open_incident(self, at: datetime) -> UUID:
        """Open an incident."""
        with self.database.begin() as tx:
            return alerts.open_by_hand(tx, NAME, title="wrong decisions", actor=OLGA, now=at).id

    def end_incident(self, incident: UUID, at: datetime) -> None:
        """End it."""
        with self.database.begin() as tx:
            alerts.end(tx, incident, cause="a wrong currency", actor=OLGA, now=at)

    def _publish(self, tx: Tx, policy: int, at: datetime) -> None:
        text = policy_text(policy)
        table = policies.parse(text, source="test")
        policies.publish(tx, NAME, table, text, actor=OLGA, reason="written", now=at)

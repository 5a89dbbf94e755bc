"""A whole small installation for tests: a registered model, an automation, a gateway's application, a real database."""

from dataclasses import dataclass
from pathlib import Path

from andon import Automation, access, models
from andon.access import Grant, KeyRing, Role
from andon.bootstrap.explaining import explaining
from andon.bootstrap.measures import Measures
from andon.bootstrap.planning import PlanningHere
from andon.bootstrap.project import build_events
from andon.bootstrap.rehearsing import rehearsal
from andon.decisions import AuditDraws, Decider, Deployment, Subjects, Unwatched
from andon.gateway import Admission, Gateway, Side
from andon.kernel.clock import SystemClock
from andon.kernel.config import GatewaySettings, Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.models import ModelTrial
from andon.serving import tried_with
from automations import an_automation
from packages import a_package

PEPPER = b"0" * 64
OWNER = Actor("owner")


@dataclass(slots=True)
class Installation:
    """A database with a champion, and what decides on it."""

    database: Database
    deployment: Deployment
    clock: SystemClock
    folder: Path = Path(".andon")

    def decider(self) -> Decider:
        """Return a new decider, as another process would have it."""
        return Decider(
            self.database,
            lambda: self.deployment.lines,
            clock=self.clock,
            controls=self.deployment.controls,
            watcher=Unwatched(),
        )

    def key(self, name: str, *grants: Grant) -> str:
        """Return the text of a new key."""
        with self.database.begin() as tx:
            _, token = access.create_key(
                tx,
                name=name,
                grants=grants,
                expires_at=None,
                actor=OWNER,
                events=Events(),
                reason="test",
                pepper=PEPPER,
                now=self.clock.now(),
            )
        return token

    def _declared(self, name: str) -> Automation:
        return self.deployment.lines[name].automation

    def _all_declared(self) -> dict[str, Automation]:
        return {name: line.automation for name, line in self.deployment.lines.items()}

    def gateway(self, **limits: int) -> tuple[Gateway, Side]:
        """Return the parts of a gateway process."""
        settings = Settings(gateway=GatewaySettings(**limits))
        keys, measures = KeyRing(PEPPER), Measures()
        with self.database.begin() as tx:
            keys.refresh(tx, self.clock.now())
        of = settings.gateway
        gateway = Gateway(
            settings=settings,
            database=self.database,
            keys=keys,
            deployment=self.deployment,
            decider=self.decider(),
            admission=Admission(burst=of.burst, per_minute=of.rate_per_minute, max_in_flight=of.max_in_flight),
            metrics=measures.requests,
            events=build_events(settings),
            clock=self.clock,
            pepper=PEPPER,
            tools=measures.tools,
            explain=explaining(
                Settings(root=self.folder), self.database, self._declared, lambda: self.deployment.loaded
            ),
            rehearse=rehearsal(Settings(root=self.folder), self.database, self._declared),
            planning=PlanningHere(Settings(root=self.folder), self.database, self._all_declared),
        )
        return gateway, Side(keys=keys, clock=self.clock, metrics=measures.metrics, problems=dict)


def register_champion(database: Database, package: Path) -> models.ModelVersion:
    """Put a package into the registry and let it answer."""
    clock = SystemClock()
    with database.begin() as tx:
        version = models.register(tx, package, actor=OWNER, events=Events(), reason="test", now=clock.now())
        models.set_alias(
            tx, version.name, "champion", version.number, actor=OWNER, events=Events(), reason="test", now=clock.now()
        )
    return version


def has_champion(database: Database) -> bool:
    """Whether a model is registered."""
    with database.begin() as tx:
        return bool(models.list_aliases(tx))


def install(database: Database, folder: Path, *automations: Automation) -> Installation:
    """Return an installation with these automations, or the standing one, beside what the database already holds."""
    if not has_champion(database):
        register_champion(database, a_package(folder / "package"))
    with database.begin() as tx:
        for version in models.list_versions(tx):  # as whoever registers or loads one notes it
            models.note_trial(tx, ModelTrial(version.digest, tried_with(version.manifest), True, ""))
    clock = SystemClock()
    deployment = Deployment(
        database,
        automations or (an_automation(),),
        cache=folder / "models",
        clock=clock,
        events=Events(),
        subjects=Subjects(PEPPER),
        draws=AuditDraws(PEPPER),
    )
    deployment.refresh()
    if deployment.problems:
        raise next(iter(deployment.problems.values()))
    return Installation(database, deployment, clock, folder)


CALLER = Grant(Role.CALLER, "payments")
ADMIN = Grant(Role.ADMIN)

"""The lines of this process: for each automation the one that decides now, replaced as a whole on a change.

A line is built from what is in force: the released code, if that is the code here, the champion, the split and the
policy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import structlog

from andon import models, policies, serving
from andon.authoring import Automation
from andon.decisions import releasing, service
from andon.decisions.assembly import check_lookups, compile_policy, evidence_of, register_windows
from andon.decisions.controls import Controls
from andon.decisions.domain import AutomationVersion, HeldOutEvidence
from andon.decisions.draws import AuditDraws
from andon.decisions.errors import AutomationNotFound, NotReleased
from andon.decisions.gating import with_revision
from andon.decisions.line import Line
from andon.decisions.subjects import Subjects
from andon.decisions.wanted import WantedLine, line_of
from andon.kernel.clock import Clock
from andon.kernel.db import Database, Tx
from andon.kernel.errors import AndonError, Denied, Invalid
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM, Actor
from andon.models import ModelVersion, VersionHeld
from andon.policies import CompiledPolicy
from andon.serving import LoadedVersion

log = structlog.get_logger(__name__)

Load: TypeAlias = Callable[[ModelVersion, Path], LoadedVersion]
"""Loads a fetched package. Raises EndpointUnavailable, EnvironmentInvalid."""


class Releasing(Enum):
    """The rules for code that a process releases by itself if it is not released yet."""

    NOTHING = "nothing"
    FIRST = "where nothing of the automation is released"
    WHAT_IS_HERE = "whatever it starts with, once each"


@dataclass(frozen=True, slots=True)
class ReleaseRule:
    """How a process treats code that is not released. `actor` started it, and has brought the code.

    Code that another release superseded continues for `hand_over`, so that its process can be replaced without a gap.
    With `held`, nothing is released before `release_here` is called.
    """

    releases: Releasing = Releasing.WHAT_IS_HERE
    actor: Actor = PLATFORM
    hand_over: timedelta = timedelta(minutes=5)
    held: bool = False


def _nothing(loaded: LoadedVersion) -> None:
    """Do nothing: for commands, which predict by themselves and end."""


class Deployment:
    """The lines of the automations that were loaded.

    Reading `lines` never waits; `refresh` builds new lines and swaps them in. With `subjects` each decision says whose
    data it is about, with `draws` some are drawn for blind audits. `start` starts what a version needs before it
    answers (its processes). `retire` receives the versions that no line uses any more.
    """

    def __init__(
        self,
        database: Database,
        automations: Sequence[Automation],
        *,
        cache: Path,
        clock: Clock,
        events: Events,
        subjects: Subjects | None = None,
        draws: AuditDraws | None = None,
        load: Load = serving.load,
        start: Callable[[LoadedVersion], None] = _nothing,
        retire: Callable[[LoadedVersion], None] = _nothing,
        rule: ReleaseRule = ReleaseRule(),
    ) -> None:
        self.lines: Mapping[str, Line] = {}
        self.problems: Mapping[str, AndonError] = {}
        self.controls = Controls()
        """The gate revisions and line states in force; read when a batch is judged."""
        self._database = database
        self._automations = automations
        self._cache = cache
        self._clock = clock
        self._events = events
        self._subjects = subjects
        self._draws = draws
        self._load = load
        self._start = start
        self._retire = retire
        self._rule = rule
        self._held = rule.held
        self._deployed: dict[str, AutomationVersion] = {}
        self._to_release: dict[str, AutomationVersion] = {}
        self._was_released: set[str] = set()
        self._superseded: dict[str, datetime] = {}
        self._loaded: dict[tuple[str, int, str], LoadedVersion] = {}
        self._evidence: dict[tuple[str, str, str], HeldOutEvidence] = {}
        self._lock = Lock()

    @property
    def loaded(self) -> Sequence[LoadedVersion]:
        """Every version in use."""
        return list(self._loaded.values())

    @property
    def not_ready(self) -> Sequence[Automation]:
        """The automations that have no line yet, or none any more."""
        return [automation for automation in self._automations if automation.name not in self.lines]

    @property
    def hands_over_until(self) -> datetime | None:
        """When the first line with superseded code ends; `refresh` ends it."""
        ends = [at + self._rule.hand_over for name, at in list(self._superseded.items()) if name in self.lines]
        return min(ends, default=None)

    def line(self, name: str) -> Line:
        """Return the line of one automation. Raises AutomationNotFound, or the error that keeps it from deciding."""
        line = self.lines.get(name)
        if line is not None:
            return line
        raise self.problems.get(name) or AutomationNotFound(f"No automation {name!r} is deployed here")

    def refresh_controls(self) -> None:
        """Take over revised gates, changed line states and leases, with four queries.

        It does not wait for a model that is being loaded.
        """
        with self._database.begin() as tx:
            self.controls.refresh(tx, self._clock.now())

    def refresh(self) -> None:
        """Rebuild the lines that a change affects, and swap them in.

        A line that cannot be built stays as it was, except that one whose code is not released ends. See `problems`.
        """
        self.refresh_controls()
        with self._lock:
            lines = dict(self.lines)
            problems: dict[str, AndonError] = {}
            for automation in self._automations:
                try:
                    line = self._good_line(automation, lines.get(automation.name))
                    if not self._held:
                        self._release(automation.name)
                    lines[automation.name] = line
                except AndonError as error:
                    if isinstance(error, NotReleased):
                        lines.pop(automation.name, None)
                    problems[automation.name] = error
                    _log_problem(automation.name, error)
            self.lines, self.problems = lines, problems
            self._let_go()

    def release_here(self) -> None:
        """Release the code of the lines that were built, if this process may; from now on, release immediately.

        A line whose release is refused ends; see `problems`. Raises DatabaseUnavailable, after which it may be called
        again.
        """
        with self._lock:
            for name in list(self._to_release):
                try:
                    self._release(name)
                except (Invalid, Denied) as error:
                    self.lines = {one: line for one, line in self.lines.items() if one != name}
                    self.problems = {**self.problems, name: error}
                    _log_problem(name, error)
            self._held = False

    def _good_line(self, automation: Automation, present: Line | None) -> Line:
        """Return the line without the versions that went into quarantine while they were loaded for it."""
        known: set[int] | None = None
        while True:
            try:
                return self._line(automation, present)
            except VersionHeld:
                held = self._held_versions(automation)
                if held == known:
                    raise
                known = held

    def _held_versions(self, automation: Automation) -> set[int]:
        with self._database.begin() as tx:
            return set(models.held_versions(tx, automation.model))

    def _line(self, automation: Automation, present: Line | None) -> Line:
        deployed = self._deployed_version(automation)
        with self._database.begin() as tx:
            if not automation.predicts:
                models.ensure_rules_only(tx, events=self._events, now=self._clock.now())
            check_lookups(tx, automation)
            policy = self._policy(tx, deployed, present)
            wanted = WantedLine(tx, automation, *policy)
            if present is None:
                register_windows(tx, automation)
            elif wanted.is_met_by(present):
                return present
            folders = {v.number: models.fetch(tx, v, self._cache) for v in wanted.versions.values()}
        loaded = {n: self._loaded_version(version, folders[n]) for n, version in wanted.versions.items()}
        made = line_of(automation, deployed, wanted, loaded, self._subjects, self._draws, self._evidence_of)
        line = self._with_revisions(made)
        log.info(
            "automation.ready",
            automation=automation.name,
            version=deployed.number,
            model_version=wanted.champion.number,
            policy_version=line.ref.policy_version,
            split=wanted.split.number,
        )
        own = releasing.own_policy(deployed).table.version
        if line.ref.policy_version != own:
            log.info(
                "automation.policy_apart", automation=automation.name, on_disk=own, in_force=line.ref.policy_version
            )
        return line

    def _evidence_of(
        self, automation: Automation, loaded: LoadedVersion, policy_version: str, policy: CompiledPolicy
    ) -> HeldOutEvidence:
        """Return the held-out evidence of an arm, which takes a second the first time."""
        key = automation.name, loaded.version.digest, policy_version
        if key not in self._evidence:
            self._evidence[key] = evidence_of(automation, loaded, policy)
        return self._evidence[key]

    def _with_revisions(self, line: Line) -> Line:
        """Return the same line, each arm with the revision of its gate."""
        traffic, risk, now = line.traffic, line.automation.risk, self._clock.now()
        with self._database.begin() as tx:
            revised = {
                arm.name: with_revision(tx, arm, risk, events=self._events, now=now) for arm in traffic.arms.values()
            }
        return line.with_traffic(
            replace(
                traffic,
                champion=revised[traffic.champion.name],
                arms={candidate: revised[arm.name] for candidate, arm in traffic.arms.items()},
                shadows=tuple(revised[arm.name] for arm in traffic.shadows),
                fallbacks=tuple((step, None if arm is None else revised[arm.name]) for step, arm in traffic.fallbacks),
            )
        )

    def _deployed_version(self, automation: Automation) -> AutomationVersion:
        """Return the version of the code as this process read it at its start, whatever the files hold by now.

        The version is kept whether it may decide or not, so that it can be released.
        """
        known = self._deployed.get(automation.name)
        if known is None:
            compile_policy(automation)
            with self._database.begin() as tx:
                known = service.deploy(tx, automation, actor=self._rule.actor, now=self._clock.now())
            self._deployed[automation.name] = known
        return known

    def _policy(self, tx: Tx, deployed: AutomationVersion, present: Line | None) -> tuple[str, str]:
        """Return the version and text of the policy by which the code here decides, if it may. Raises NotReleased."""
        name, holding = deployed.name, releasing.released(tx, deployed.name)
        self._to_release.pop(name, None)
        self._superseded.pop(name, None)
        if holding is not None and holding.version == deployed.number:
            self._was_released.add(name)
            return self._policy_in_force(tx, deployed)
        if self._may_release(name, first=holding is None):
            self._to_release[name] = deployed
            policy = releasing.policy_upon_release(tx, deployed)
            return policy.table.version, policy.text
        superseded = releasing.superseded_at(tx, name, deployed.number)
        if superseded is None or present is None or self._clock.now() >= superseded + self._rule.hand_over:
            released = "nothing is released" if holding is None else f"version {holding.version} is released"
            raise NotReleased(
                f"The code of {name} here is version {deployed.number}, but {released}: "
                f"run `andon release {name} --reason ...` with this code, or restart with the released code"
            )
        self._superseded[name] = superseded
        return self._policy_in_force(tx, deployed)

    def _policy_in_force(self, tx: Tx, deployed: AutomationVersion) -> tuple[str, str]:
        """Return the policy in force; if none was published yet, the released version's own."""
        in_force = policies.in_force(tx, deployed.name)
        if in_force is not None:
            return in_force.version, in_force.text
        own = releasing.own_policy(deployed)
        releasing.decide_by(
            tx,
            deployed.name,
            own,
            actor=self._rule.actor,
            reason=f"Deployed with version {deployed.number}",
            now=self._clock.now(),
            events=self._events,
        )
        return own.table.version, own.text

    def _may_release(self, name: str, *, first: bool) -> bool:
        match self._rule.releases:
            case Releasing.NOTHING:
                return False
            case Releasing.FIRST:
                return first
            case Releasing.WHAT_IS_HERE:
                return name not in self._was_released

    def _release(self, name: str) -> None:
        """Release the built lines, once: code that another release supersedes later is not released again."""
        deployed = self._to_release.get(name)
        if deployed is None:
            return
        with self._database.begin() as tx:
            releasing.release(
                tx,
                name,
                deployed.number,
                actor=self._rule.actor,
                reason="A process was started with this version on disk",
                now=self._clock.now(),
                events=self._events,
            )
        del self._to_release[name]
        self._was_released.add(name)

    def _loaded_version(self, version: ModelVersion, folder: Path) -> LoadedVersion:
        key = (version.name, version.number, version.digest)
        if key not in self._loaded:
            loaded = self._load(version, folder)
            self._start(loaded)
            self._loaded[key] = loaded
        return self._loaded[key]

    def _let_go(self) -> None:
        """Retire the versions that no line uses."""
        used = {id(arm.loaded) for line in self.lines.values() for arm in line.traffic.arms.values()}
        for key, loaded in list(self._loaded.items()):
            if id(loaded) not in used:
                del self._loaded[key]
                self._retire(loaded)


def _log_problem(name: str, error: AndonError) -> None:
    faults = [f"{fault.where}: {fault.message}" for fault in error.faults]
    log.error("automation.not_ready", automation=name, error=str(error), faults=faults)

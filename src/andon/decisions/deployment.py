"""What is deployed in this process: for each automation the line that decides now, swapped whole when something changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import structlog

from andon import models, serving
from andon.authoring import BY_REVIEW, BY_RULES, Automation
from andon.decisions import service
from andon.decisions.assembly import arm_of, assemble, check_lookups, check_signature, register_windows
from andon.decisions.controls import Controls
from andon.decisions.domain import AutomationVersion
from andon.decisions.errors import AutomationInvalid, AutomationNotFound
from andon.decisions.gating import with_revision
from andon.decisions.line import Line
from andon.decisions.subjects import Subjects
from andon.decisions.traffic import Traffic
from andon.kernel.clock import Clock
from andon.kernel.db import Database, Tx
from andon.kernel.errors import AndonError, Fault
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM
from andon.models import CHAMPION, ModelVersion
from andon.serving import LoadedVersion, TrafficSplit

log = structlog.get_logger(__name__)

Load: TypeAlias = Callable[[ModelVersion, Path], LoadedVersion]
"""Loads a fetched package. Raises EndpointUnavailable, EnvironmentInvalid."""


def _nothing(loaded: LoadedVersion) -> None:
    """For commands, which predict by themselves and end."""


class Deployment:
    """The lines of the automations that were loaded. Reading `lines` never waits; `refresh` builds beside it and swaps.

    With `subjects` each decision says whose data it is about.

    `start` brings up what a version needs before it answers (its processes); `retire` hears of versions no line uses any more.
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
        load: Load = serving.load,
        start: Callable[[LoadedVersion], None] = _nothing,
        retire: Callable[[LoadedVersion], None] = _nothing,
    ) -> None:
        self.lines: Mapping[str, Line] = {}
        self.problems: Mapping[str, AndonError] = {}
        self.controls = Controls()
        """The gate revisions and line states that hold; read when a batch is judged."""
        self._database = database
        self._automations = automations
        self._cache = cache
        self._clock = clock
        self._events = events
        self._subjects = subjects
        self._load = load
        self._start = start
        self._retire = retire
        self._loaded: dict[tuple[str, int, str], LoadedVersion] = {}
        self._lock = Lock()

    @property
    def loaded(self) -> Sequence[LoadedVersion]:
        """Every version in use."""
        return list(self._loaded.values())

    def line(self, name: str) -> Line:
        """The line of one automation. Raises what keeps it from deciding, AutomationNotFound."""
        line = self.lines.get(name)
        if line is not None:
            return line
        raise self.problems.get(name) or AutomationNotFound(f"No automation {name!r} is deployed here")

    def refresh_controls(self) -> None:
        """Take over revised gates and changed line states: two queries, and no wait for a model that is being loaded."""
        with self._database.begin() as tx:
            self.controls.refresh(tx, self._clock.now())

    def refresh(self) -> None:
        """Build the lines whose versions or shares changed and swap them in. A line that cannot be built stays as it was; see `problems`."""
        self.refresh_controls()
        with self._lock:
            lines = dict(self.lines)
            problems: dict[str, AndonError] = {}
            for automation in self._automations:
                try:
                    lines[automation.name] = self._line(automation, lines.get(automation.name))
                except AndonError as error:
                    problems[automation.name] = error
                    faults = [f"{fault.where}: {fault.message}" for fault in error.faults]
                    log.error("automation.not_ready", automation=automation.name, error=str(error), faults=faults)
            self.lines, self.problems = lines, problems
            self._let_go()

    def _line(self, automation: Automation, present: Line | None) -> Line:
        with self._database.begin() as tx:
            check_lookups(tx, automation)
            deployed = service.deploy(tx, automation, actor=PLATFORM, now=self._clock.now())
            wanted = _Wanted(tx, automation)
            check_signature(automation, wanted.champion)  # what cannot decide is not kept as a version either
            if present is None:
                register_windows(tx, automation)
            elif wanted.is_met_by(present):
                return present
            folders = {v.number: models.fetch(tx, v, self._cache) for v in wanted.versions.values()}
        loaded = {n: self._loaded_version(version, folders[n]) for n, version in wanted.versions.items()}
        champion = loaded[wanted.champion.number]
        line = assemble(automation, champion, number=deployed.number, subjects=self._subjects)
        line = line.with_traffic(self._with_revisions(automation, _traffic(line, deployed, wanted, loaded), wanted))
        log.info(
            "automation.ready",
            automation=automation.name,
            version=deployed.number,
            model_version=wanted.champion.number,
            split=wanted.split.number,
        )
        return line

    def _with_revisions(self, automation: Automation, traffic: Traffic, wanted: "_Wanted") -> Traffic:
        """The same arms, each with the revision of its gate."""
        with self._database.begin() as tx:
            arms = {
                number: with_revision(
                    tx,
                    arm,
                    wanted.versions[number],
                    automation.risk,
                    events=self._events,
                    now=self._clock.now(),
                )
                for number, arm in traffic.arms.items()
            }
        return replace(
            traffic,
            champion=arms[traffic.champion.version],
            arms=arms,
            shadows=tuple(arms[arm.version] for arm in traffic.shadows),
            fallbacks=tuple((step, None if arm is None else arms[arm.version]) for step, arm in traffic.fallbacks),
        )

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


class _Wanted:
    """The versions that shall answer for an automation, by the registry and the traffic split."""

    def __init__(self, tx: Tx, automation: Automation) -> None:
        self.champion = champion_of(tx, automation)
        self.split: TrafficSplit = serving.split_of(tx, automation.model)
        self.fallbacks: dict[str, ModelVersion | None] = {}
        for step in automation.fallback:
            named = step not in (BY_RULES, BY_REVIEW)
            self.fallbacks[step] = models.by_alias(tx, automation.model, step) if named else None
        numbers = {*self.split.shares, *self.split.shadows}
        further = [models.get(tx, automation.model, number) for number in sorted(numbers)]
        aliased = [version for version in self.fallbacks.values() if version is not None]
        self.versions = {version.number: version for version in (self.champion, *further, *aliased)}

    def is_met_by(self, line: Line) -> bool:
        """Whether a line decides by exactly these."""
        traffic = line.traffic
        return (
            traffic.split.number == self.split.number
            and traffic.champion.ref.model.digest == self.champion.digest
            and {n: arm.ref.model.digest for n, arm in traffic.arms.items()}
            == {n: version.digest for n, version in self.versions.items()}
            and [None if arm is None else arm.version for _, arm in traffic.fallbacks]
            == [None if version is None else version.number for version in self.fallbacks.values()]
        )


def _traffic(line: Line, deployed: AutomationVersion, wanted: _Wanted, loaded: Mapping[int, LoadedVersion]) -> Traffic:
    arms = {
        n: line.traffic.champion
        if n == wanted.champion.number
        else arm_of(line.automation, loaded[n], number=deployed.number, policy_version=line.ref.policy_version)
        for n in sorted(wanted.versions)
    }
    return Traffic(
        champion=line.traffic.champion,
        split=wanted.split,
        arms=arms,
        shadows=tuple(arms[n] for n in wanted.split.looking_on(wanted.champion.number)),
        fallbacks=tuple((step, None if v is None else arms[v.number]) for step, v in wanted.fallbacks.items()),
    )


def champion_of(tx: Tx, automation: Automation) -> models.ModelVersion:
    """The model version that answers for an automation. Raises AutomationInvalid, which says how to get one."""
    try:
        return models.by_alias(tx, automation.model, CHAMPION)
    except (models.ModelNotFound, models.AliasNotFound):
        fault = Fault(
            automation.declared_at,
            f"model {automation.model!r} has no {CHAMPION}; register one with "
            f"`andon models register --from-script train.py --alias {CHAMPION}`",
        )
        raise AutomationInvalid(f"{fault.where}: {fault.message}", faults=[fault]) from None

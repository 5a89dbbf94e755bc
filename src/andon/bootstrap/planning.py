"""Plans of a project: its configuration folder or a posted one, its automations and models, and replay of decisions."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from andon import decisions, models, plans
from andon.access import Permission
from andon.authoring import Automation
from andon.bootstrap.project import load_automations, ready_for
from andon.bootstrap.trials import once_tried
from andon.bootstrap.versions import load_version
from andon.decisions import DecisionRecord, Line, ProofChange
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.models import ModelVersion
from andon.plans import (
    ChangePlan,
    Configured,
    FlippedOutcomes,
    PlanBusy,
    PlannedAct,
    PlannedChange,
    PlannedForce,
    PostedConfiguration,
)

NEWEST = 1_000
"""How many of an automation's newest decisions are replayed for a plan."""

NEWEST_POSTED = 200
"""The same number in a gateway, which has callers to answer."""

_DECIDED = re.compile(r"(\S+) by \S+, score ")


def configured(settings: Settings, folder: Path) -> Configured:
    """Read the settings that a folder names. Raises ConfigurationInvalid, ConfigurationUnknown, AutomationInvalid."""
    configuration = plans.read_folder(folder)
    with plans.naming_files(configuration.files):
        texts = plans.read_policies(configuration, settings.root)
        declared = {automation.name: automation for automation in load_automations(settings)}
        return Configured(plans.settings_of(configuration, declared, texts), declared, configuration.files)


def plan_here(settings: Settings, database: Database, wanted: Configured, act: PlannedAct, *, again: int) -> ChangePlan:
    """Plan a configuration for this project. `again` is how many of the newest decisions are replayed."""

    def ready(version: ModelVersion) -> None:
        users = [one for one in wanted.declared.values() if one.model == version.name]
        once_tried(settings, database, lambda tx: ready_for(users, settings, tx)(version))

    def prove(planned: PlannedForce) -> ProofChange | None:
        with database.begin() as tx:
            return decisions.proof_change(tx, planned.automation, policy=planned.policy, champion=planned.champion)

    decide = _Again(settings, database, again).decide if again else None
    return plans.make_plan(database, wanted, act, ready=ready, decide=decide, prove=prove if again else None)


def apply_here(database: Database, wanted: Configured, act: PlannedAct, plan: ChangePlan) -> tuple[PlannedChange, ...]:
    """Apply a plan in one transaction. If authors may not release their own code, the code is deployed before that."""
    if not act.author_may_approve:
        with database.begin() as tx:
            for change in plan.changes:
                if change.automation is not None and change.place.endswith(".release"):
                    decisions.deploy(tx, wanted.declared[change.automation], actor=act.actor, now=act.now)
    with database.begin() as tx:
        return plans.apply_changes(tx, wanted.settings, wanted.declared, act, plan)


class PlanningHere:
    """Plans posted configurations in a gateway, with the code that it runs; one at a time, as each may load models."""

    def __init__(
        self, settings: Settings, database: Database, declared: Callable[[], Mapping[str, Automation]]
    ) -> None:
        self._settings, self._database, self._declared = settings, database, declared
        self._alone = Lock()

    def plan(self, posted: PostedConfiguration, act: PlannedAct) -> ChangePlan:
        """Plan a configuration. Raises PlanBusy, Forbidden, and the errors of `make_plan`."""
        with self._alone_here():
            return plan_here(self._settings, self._database, self._configured(posted, act), act, again=NEWEST_POSTED)

    def apply(self, posted: PostedConfiguration, act: PlannedAct, plan: ChangePlan) -> Sequence[PlannedChange]:
        """Make exactly the planned changes, if any. Raises PlanBusy, Forbidden, StateMoved."""
        with self._alone_here():
            wanted = self._configured(posted, act)
            found = plan_here(self._settings, self._database, wanted, act, again=0)
            return apply_here(self._database, wanted, act, plan) if found.changes else ()

    @contextmanager
    def _alone_here(self) -> Iterator[None]:
        if not self._alone.acquire(blocking=False):
            raise PlanBusy
        try:
            yield
        finally:
            self._alone.release()

    def _configured(self, posted: PostedConfiguration, act: PlannedAct) -> Configured:
        """Read a posted configuration, if the caller may read what it names. Raises Forbidden, ConfigurationInvalid."""
        configuration = plans.read_texts(posted.files)
        declared = dict(self._declared())
        if act.caller is not None:
            for name in configuration.automations:
                act.caller.require(Permission.READ_AUTOMATIONS, name)
                act.caller.require(Permission.READ_DECISIONS, name)
            if configuration.champions:
                act.caller.require(Permission.READ_MODELS, None)
            declared = {
                name: one for name, one in declared.items() if act.caller.may(Permission.READ_AUTOMATIONS, name)
            }
        with plans.naming_files(configuration.files):
            plans.check_posted(configuration, posted.policies)
            return Configured(
                plans.settings_of(configuration, declared, posted.policies), declared, configuration.files
            )


@dataclass(slots=True)
class _Again:
    """The newest decisions of automations, replayed under a plan."""

    settings: Settings
    database: Database
    newest: int
    _lines: dict[tuple[str, int, int], Line] = field(default_factory=dict)

    def decide(self, planned: PlannedForce) -> FlippedOutcomes:
        """Replay the newest decisions and count the outcomes that change."""
        name = planned.automation.name
        with self.database.begin() as tx:
            records = decisions.newest(tx, name, self.newest)
        then = {record.row.id: record.row.outcome for record in records}
        replayed = decisions.replay(records, lambda record: self._line(planned, record), lambda _: None)
        flips, failed = Counter[str](), 0
        for one in replayed.differences:
            match = _DECIDED.match(one.after)
            if match is None:
                failed += 1
            elif match[1] != then[one.id]:
                flips[f"{then[one.id]} → {match[1]}"] += 1
        same = len(records) - failed - flips.total()
        return FlippedOutcomes(name, len(records), same, dict(flips.most_common()), failed)

    def _line(self, planned: PlannedForce, record: DecisionRecord) -> Line:
        number = planned.champion if planned.other_champion else record.row.model_version
        key = (planned.automation.name, record.row.automation_version, number)
        if key not in self._lines:
            self._lines[key] = self._build(planned, *key[1:])
        return self._lines[key]

    def _build(self, planned: PlannedForce, automation_version: int, number: int) -> Line:
        automation = planned.automation
        with self.database.begin() as tx:
            deployed = decisions.version(tx, automation.name, automation_version)
            model = models.get(tx, automation.model, number)
        then = decisions.as_deployed(automation, deployed, planned.policy)
        loaded = load_version(self.settings, self.database, model)
        return decisions.assemble(then, loaded, number=automation_version)

"""Plans of a project: its configuration folder, its automations, its model versions, and replay of decisions."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from andon import decisions, models, plans
from andon.bootstrap.hosting import load_hosted
from andon.bootstrap.project import load_automations, ready_for
from andon.decisions import DecisionRecord, Line
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.models import ModelVersion
from andon.plans import ChangePlan, Configured, FlippedOutcomes, PlannedAct, PlannedChange, PlannedForce

NEWEST = 1_000
"""The number of newest decisions of an automation that are made again for a plan."""

_DECIDED = re.compile(r"(\S+) by \S+, score ")


def configured(settings: Settings, folder: Path) -> Configured:
    """Read the settings that a folder names. Raises ConfigurationInvalid, ConfigurationUnknown, AutomationInvalid."""
    configuration = plans.read_folder(folder)
    texts = plans.read_policies(configuration, settings.root)
    declared = {automation.name: automation for automation in load_automations(settings)}
    return Configured(plans.settings_of(configuration, declared, texts), declared)


def plan_here(
    settings: Settings, database: Database, wanted: Configured, act: PlannedAct, *, again: bool
) -> ChangePlan:
    """Plan a configuration for this project. With `again`, the newest decisions are made again."""

    def ready(version: ModelVersion) -> None:
        users = [one for one in wanted.declared.values() if one.model == version.name]
        with database.begin() as tx:
            ready_for(users, settings, tx)(version)

    decide = _Again(settings, database).decide if again else None
    return plans.make_plan(database, wanted, act, ready=ready, decide=decide)


def apply_here(database: Database, wanted: Configured, act: PlannedAct, plan: ChangePlan) -> tuple[PlannedChange, ...]:
    """Apply a plan in one transaction. If authors may not release their own code, the code is deployed before that."""
    if not act.author_may_approve:
        with database.begin() as tx:
            for change in plan.changes:
                if change.automation is not None and change.place.endswith(".release"):
                    decisions.deploy(tx, wanted.declared[change.automation], actor=act.actor, now=act.now)
    with database.begin() as tx:
        return plans.apply_changes(tx, wanted.settings, wanted.declared, act, plan)


@dataclass(slots=True)
class _Again:
    """The newest decisions of automations, made again as planned."""

    settings: Settings
    database: Database
    _lines: dict[tuple[str, int, int], Line] = field(default_factory=dict)

    def decide(self, planned: PlannedForce) -> FlippedOutcomes:
        """Make the newest decisions again and count the outcomes that change."""
        name = planned.automation.name
        with self.database.begin() as tx:
            records = decisions.newest(tx, name, NEWEST)
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
            folder = models.fetch(tx, model, self.settings.data / "models")
        then = decisions.as_deployed(automation, deployed, planned.policy)
        return decisions.assemble(then, load_hosted(self.settings, model, folder), number=automation_version)

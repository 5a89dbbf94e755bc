"""The history of one automation: every row that changed what is in force, from the slices that own them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from andon import alerts, cord, decisions, experiments, gates, models, policies, serving, spending
from andon.alerts import Incident
from andon.changes.rollouts import EVERY, RolloutTrace, traces_of
from andon.cord import DRILL_FIELD, LineStateChange
from andon.decisions import AutomationVersion, Release
from andon.gates import AuditShare, GateRevision
from andon.kernel.db import Tx
from andon.kernel.identity import PLATFORM
from andon.models import Alias, ModelNotFound
from andon.policies import PolicySetting
from andon.serving import TrafficSplit
from andon.spending import BudgetSetting

Sees: TypeAlias = Callable[[str], bool]
"""Whether a reader may see an automation."""


@dataclass(frozen=True, slots=True)
class LineHistory:
    """The rows of one automation, each kind oldest first, without drills.

    `champions` and `registered` are by model.
    """

    automation: str
    versions: Mapping[int, AutomationVersion]
    releases: Sequence[Release]
    policies: Sequence[PolicySetting]
    published: Mapping[str, datetime]
    splits: Sequence[TrafficSplit]
    champions: Mapping[str, Sequence[Alias]]
    registered: Mapping[str, Mapping[int, datetime]]
    narrowed: Sequence[GateRevision]
    states: Sequence[LineStateChange]
    shares: Sequence[AuditShare]
    budgets: Sequence[BudgetSetting]
    incidents: Sequence[Incident]
    rollouts: Sequence[RolloutTrace]
    tried: frozenset[int]
    """Numbers of the splits that experiments made."""

    def model_of(self, version: int) -> str:
        """Name the model that a version of the code uses."""
        return str(self.versions[version].description["model"])


def history_of(tx: Tx, automation: str, sees: Sees | None = None) -> LineHistory:
    """Read the history of an automation. Raises AutomationNotFound.

    The actor and reason of a champion's choice are omitted if automations that the reader cannot see use its model.
    """
    decisions.require_deployed(tx, automation)
    versions = {one.number: one for one in decisions.deployed_versions(tx, automation)}
    used = sorted({str(one.description["model"]) for one in versions.values()})
    closed = set() if sees is None else _models_beyond(tx, sees)
    states = cord.history(tx, automation, limit=None)
    splits = list(reversed(serving.split_history(tx, automation)))
    return LineHistory(
        automation=automation,
        versions=versions,
        releases=decisions.list_releases(tx, automation)[::-1],
        policies=policies.history(tx, automation)[::-1],
        published={one.version: one.published_at for one in policies.list_versions(tx, automation)},
        splits=splits,
        champions={
            model: list(map(_closed, found)) if model in closed else found
            for model in used
            for found in [models.champions_of(tx, model)]
        },
        registered={model: _registered(tx, model) for model in used},
        narrowed=gates.made_by_people(tx, automation),
        states=[one for one in states[::-1] if DRILL_FIELD not in one.segment],
        shares=gates.audit_share_history(tx, automation, limit=None)[::-1],
        budgets=spending.budget_history(tx, automation)[::-1],
        incidents=alerts.list_incidents(tx, [automation], limit=None)[::-1],
        rollouts=traces_of(tx, automation, splits),
        tried=_tried(tx, automation, splits),
    )


def _models_beyond(tx: Tx, sees: Sees) -> set[str]:
    """Return the models of automations that a reader cannot see."""
    return {str(one.description["model"]) for one in decisions.newest_versions(tx) if not sees(one.name)}


def _closed(alias: Alias) -> Alias:
    return replace(alias, set_by=alias.set_by if alias.set_by == PLATFORM.name else "", reason="")


def _tried(tx: Tx, automation: str, splits: Sequence[TrafficSplit]) -> frozenset[int]:
    """Return the splits with an experiment's salt, up to its last one: a later split by hand keeps the salt."""
    newest = {one.salt: one.split for one in experiments.page(tx, [automation], limit=EVERY)}
    return frozenset(one.number for one in splits if one.number <= newest.get(one.salt, 0))


def _registered(tx: Tx, model: str) -> Mapping[int, datetime]:
    """Return when each version of a model was registered; nothing if the code names a model without versions."""
    try:
        return models.registered_at(tx, model)
    except ModelNotFound:
        return {}

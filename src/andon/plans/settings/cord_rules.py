"""The rules that people added to those in the code."""

from datetime import datetime
from typing import TypeAlias

from andon import alerts
from andon.access import Permission
from andon.authoring import Automation
from andon.kernel.db import Tx
from andon.plans.configuration import ManagedRule
from andon.plans.domain import Json
from andon.plans.ports import PlannedAct

_Key: TypeAlias = tuple[str, str, str, bool]
"""All parts of a rule: its monitor, level, state, and whether it holds the segment only."""


class CordRulesInForce:
    """The named rules as the only added ones. Other added rules are removed; their pulls remain."""

    permissions = (Permission.SET_CORD_RULES,)

    def __init__(self, automation: Automation, wanted: list[ManagedRule]) -> None:
        self.place = f"automations.{automation.name}.cord_rules"
        self.automation, self.endpoint = automation.name, automation.model
        self._wanted = wanted

    def now(self, tx: Tx, at: datetime) -> Json:
        """Return the added rules in words, sorted."""
        del at
        return sorted(alerts.shown_rule(one.rule) for one in alerts.added_rules(tx, self.automation))

    def put(self, tx: Tx, act: PlannedAct) -> None:
        """Remove the rules that are not named, and add those that are missing."""
        wanted = {_key(one): one for one in self._wanted}
        kept = set[_Key]()
        for added in alerts.added_rules(tx, self.automation):
            key: _Key = (added.rule.monitor, added.rule.level, added.rule.state, added.rule.segment)
            if key not in wanted or key in kept:
                alerts.remove_rule(tx, self.automation, added.id, actor=act.actor, reason=act.reason, now=act.now)
            kept.add(key)
        for key, one in wanted.items():
            if key not in kept:
                alerts.add_rule(
                    tx,
                    self.automation,
                    monitor=one.monitor,
                    level=one.level,
                    state=one.state,
                    segment=one.holds == "segment",
                    actor=act.actor,
                    reason=act.reason,
                    now=act.now,
                )


def _key(one: ManagedRule) -> _Key:
    return one.monitor.strip(), one.level, one.state, one.holds == "segment"

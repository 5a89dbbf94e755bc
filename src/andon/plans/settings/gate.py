"""A gate that a person narrowed: it needs more confidence than the proof."""

from datetime import datetime

from andon import decisions, gates, models, policies, serving
from andon.access import Permission
from andon.authoring import Automation
from andon.gates import ArmRevisions, GateRevision, Part
from andon.kernel.db import Tx
from andon.kernel.errors import Conflict
from andon.plans.configuration import ManagedGate
from andon.plans.domain import Json
from andon.plans.ports import PlannedAct


class ArmUndefined(Conflict):
    """There is no champion or no policy in force yet, so no arm answers."""


class NarrowingInForce:
    """The least confidence that an arm, or a part of it, needs."""

    permissions = (Permission.NARROW_GATES,)

    def __init__(self, automation: Automation, wanted: ManagedGate, text: str | None) -> None:
        where = "champion" if wanted.version is None else f"{wanted.version}"
        parts = [str(part) for part in (wanted.policy, wanted.value, wanted.predicted) if part not in (None, "")]
        self.place = f"automations.{automation.name}.gates.{'.'.join([where, *parts])}"
        self.automation, self.endpoint = automation.name, automation.model
        self._declared, self._wanted, self._text = automation, wanted, text

    def now(self, tx: Tx, at: datetime) -> Json:
        """Return the arm and the confidence that a person set for it; None if nobody did."""
        named = self._named(tx)
        if named is None:
            return None
        arm = f"{self._declared.model}@{named[0]}+{named[1]}"
        there = gates.arm_revisions(tx, self.automation, arm, at)
        own = there.narrowing(self._part(there), at)
        return None if own is None else {"arm": arm, "at_least": own.threshold}

    def put(self, tx: Tx, act: PlannedAct) -> None:
        """Narrow the gate. A gate that already needs so much confidence stays as it is."""
        named = self._named(tx)
        if named is None:
            raise ArmUndefined
        holding, version = decisions.released(tx, self.automation), models.get(tx, self._declared.model, named[0])
        number = decisions.newest_version(tx, self.automation).number if holding is None else holding.version
        risk = self._declared.risk
        arm = decisions.ensure_planned(
            tx,
            self.automation,
            risk,
            number,
            version,
            named[1],
            declared=self._declared,
            text=self._text,
            events=act.events,
            now=act.now,
        )
        there = gates.arm_revisions(tx, self.automation, arm, act.now)
        part = self._part(there)
        proven, own = there.proven(part, act.now), there.narrowing(part, act.now)
        if _is_met(self._wanted.at_least, proven, own):
            return
        gates.narrow(
            tx,
            self.automation,
            arm,
            threshold=self._wanted.at_least if proven is None else max(self._wanted.at_least, proven.threshold),
            actor=act.actor,
            reason=act.reason,
            events=act.events,
            now=act.now,
            part=part,
        )

    def _named(self, tx: Tx) -> tuple[int, str] | None:
        """Return the model version and the policy version of the arm; None if one of them does not exist yet."""
        number = self._wanted.version or serving.champion_of(tx, self._declared.model)
        if self._text is not None:
            policy: str | None = policies.parse(self._text, source=str(self._wanted.policy)).version
        else:
            found = policies.in_force(tx, self.automation)
            policy = None if found is None else found.version
        return None if number is None or policy is None else (number, policy)

    def _part(self, there: ArmRevisions) -> Part:
        value = self._wanted.value
        return there.value_of(value) if isinstance(value, str) else value, self._wanted.predicted


def _is_met(wanted: float, proven: GateRevision | None, own: GateRevision | None) -> bool:
    """Tell whether the narrowing is the wanted one, or the proof needs as much confidence as both."""
    least = 0.0 if proven is None else proven.threshold
    if own is None:
        return proven is not None and wanted <= least
    return own.threshold == wanted or max(own.threshold, wanted) <= least

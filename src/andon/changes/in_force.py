"""The state of a line at a moment, with who set each part of it and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from andon import decisions, gates
from andon.alerts import shown_segment
from andon.changes.history import LineHistory
from andon.cord import LineState, LineStateChange
from andon.decisions import AutomationVersion, Release
from andon.gates import ArmRevisions, AuditShare, GateRevision
from andon.kernel.db import Tx
from andon.models import Alias
from andon.policies import PolicySetting
from andon.rollouts import Rollout
from andon.serving import Candidate, TrafficSplit, arm_of


@dataclass(frozen=True, slots=True)
class GateAt:
    """The gate in force at a moment, of an arm or of a part of the line (`where`)."""

    arm: str
    where: str
    revision: GateRevision


@dataclass(frozen=True, slots=True)
class LineAt:
    """The state of a line at a moment. Parts that nobody had set are None; before the first release nothing decided.

    `states` are the pulls in force. `shares` holds the percentage of each candidate that answered. `rollout` is the one
    that was running, in its current state.
    """

    automation: str
    at: datetime
    release: Release | None
    version: AutomationVersion | None
    policy: PolicySetting | None
    champion: Alias | None
    split: TrafficSplit | None
    gates: Sequence[GateAt]
    states: Sequence[LineStateChange]
    audit_share: float | None
    audit_change: AuditShare | None
    rollout: Rollout | None

    @property
    def model(self) -> str | None:
        """The model that the released code used."""
        return None if self.version is None else str(self.version.description["model"])

    @property
    def state(self) -> LineState:
        """The state of the whole line."""
        return next((one.after for one in self.states if not one.segment), LineState.AUTOMATIC)

    @property
    def shares(self) -> Mapping[Candidate, float]:
        """The candidates that answered, with the percentage of each."""
        if self.model is None:
            return {}
        return self._split.answering(self._champion)

    @property
    def shadows(self) -> Sequence[Candidate]:
        """The candidates that ran as shadows."""
        return () if self.model is None else self._split.looking_on(self._champion)

    @property
    def arms(self) -> Sequence[str]:
        """The arms that answered."""
        policy = "" if self.policy is None else self.policy.version
        return [arm_of(self.model or "", one, in_force=policy) for one in self.shares]

    @property
    def _champion(self) -> int | None:
        return None if self.champion is None else self.champion.number

    @property
    def _split(self) -> TrafficSplit:
        return self.split or TrafficSplit(self.automation, self.model or "")


def line_at(tx: Tx, history: LineHistory, moment: datetime) -> LineAt:
    """Read what was in force on a line at a moment."""
    release = next((one for one in reversed(history.releases) if one.released_at <= moment), None)
    version = None if release is None else history.versions[release.version]
    model = None if version is None else str(version.description["model"])
    split = next((one for one in reversed(history.splits) if one.set_at is not None and one.set_at <= moment), None)
    share, changed = _audit_share(history, version, moment)
    found = LineAt(
        automation=history.automation,
        at=moment,
        release=release,
        version=version,
        policy=next((one for one in reversed(history.policies) if one.set_at <= moment), None),
        champion=next((one for one in reversed(history.champions.get(model or "", ())) if one.set_at <= moment), None),
        split=split if split is not None and split.model == model else None,
        gates=(),
        states=_states(history.states, moment),
        audit_share=share,
        audit_change=changed,
        rollout=next((one.rollout for one in history.rollouts if one.lasted(moment)), None),
    )
    return _with_gates(found, gates.as_of(tx, history.automation, moment))


def _states(changes: Sequence[LineStateChange], moment: datetime) -> Sequence[LineStateChange]:
    """Return the newest change of each part up to a moment, if that part was not automatic."""
    newest = {shown_segment(one.segment): one for one in changes if one.at <= moment}
    return [one for one in newest.values() if one.after is not LineState.AUTOMATIC]


def _audit_share(
    history: LineHistory, version: AutomationVersion | None, moment: datetime
) -> tuple[float | None, AuditShare | None]:
    declared = None if version is None else decisions.declared_audit(version)
    if declared is None:
        return None, None
    changed = next((one for one in reversed(history.shares) if one.at <= moment), None)
    return declared.in_force(None if changed is None else changed.share), changed


def _with_gates(line: LineAt, revisions: Mapping[str, ArmRevisions]) -> LineAt:
    """Add the gate of each arm that answered, and of each part with a gate of its own."""
    found = list[GateAt]()
    for arm in line.arms:
        there = revisions.get(arm)
        if there is None:
            continue
        whole = there.in_force(gates.WHOLE, line.at)
        for part in sorted(there.parts, key=lambda one: (one != gates.WHOLE, str(one))):
            held = there.in_force(part, line.at)
            if held is not None and (part == gates.WHOLE or held != whole):
                where = gates.shown_part(gates.segment_of_part(there.field, part), part[1])
                found.append(GateAt(arm, where, held))
    return replace(line, gates=found)

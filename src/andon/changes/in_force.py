"""The state of a line at a moment, with who set each part of it and why."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from andon import decisions, gates
from andon.alerts import shown_segment
from andon.changes.acts import confidence_sentence, split_sentence
from andon.changes.history import LineHistory
from andon.cord import LineState, LineStateChange, Segment
from andon.decisions import AutomationVersion
from andon.gates import ArmRevisions, AuditShare
from andon.kernel.db import Tx
from andon.serving import TrafficSplit, arm_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SetPart:
    """One thing that was in force: since when, by whom and why."""

    what: str
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class HeldAt(SetPart):
    """The line, or a part of it, that was not automatic."""

    state: LineState
    segment: Segment


@dataclass(frozen=True, slots=True)
class SplitAt(SetPart):
    """The split of the traffic."""

    number: int


@dataclass(frozen=True, slots=True)
class GateAt(SetPart):
    """The gate in force at a moment, of an arm or of a part of the line (`where`)."""

    arm: str
    where: str
    revision: int
    threshold: float


@dataclass(frozen=True, slots=True)
class LineAt:
    """The state of a line at a moment. Parts that nobody had set are None; before the first release nothing decided.

    `shares` holds the percentage of each candidate that answered. `rollout` is the one that was running.
    """

    automation: str
    at: datetime
    state: LineState
    held: Sequence[HeldAt]
    release: SetPart | None
    model: str | None
    policy: SetPart | None
    champion: SetPart | None
    shares: Mapping[str, float]
    shadows: Sequence[str]
    arms: Sequence[str]
    rollout: SetPart | None
    split: SplitAt | None
    gates: Sequence[GateAt]
    audit_share: float | None
    audit_change: SetPart | None

    @property
    def facts(self) -> Iterator[tuple[str, str, SetPart | None]]:
        """Each thing that was in force: a word, a sentence, and who set it."""
        yield "line", self.state, None
        for pull in self.held:
            yield "cord", f"{shown_segment(pull.segment) or 'the line'} is {pull.state}", pull
        if self.release is None:
            yield "code", "nothing had been released, so nothing was decided", None
            return
        yield "code", self.release.what, self.release
        if self.policy is not None:
            yield "policy", self.policy.what, self.policy
        yield "champion", f"none of {self.model}" if self.champion is None else self.champion.what, self.champion
        answering = ", ".join(f"version {one}: {share:g} %" for one, share in self.shares.items())
        yield "answering", answering or "nothing", None
        if self.shadows:
            yield "shadows", ", ".join(f"version {one}" for one in self.shadows), None
        if self.split is not None:
            yield "split", f"number {self.split.number}", self.split
        if self.rollout is not None:
            yield "rollout", self.rollout.what, self.rollout
        for gate in self.gates:
            where = f" ({gate.where})" if gate.where else ""
            yield "gate", f"revision {gate.revision} of {gate.arm}{where}: {gate.what}", gate
        if self.audit_share is not None:
            declared = "" if self.audit_change is not None else ", declared by the code"
            said = f"{self.audit_share:.2%} of the automatic decisions{declared}"
            yield "blind audits", said, self.audit_change


def line_at(tx: Tx, history: LineHistory, moment: datetime) -> LineAt:
    """Read what was in force on a line at a moment."""
    release = _last(history.releases, moment, "released_at")
    version = None if release is None else history.versions[release.version]
    model = None if version is None else str(version.description["model"])
    policy, champion = _last(history.policies, moment), _last(history.champions.get(model or "", ()), moment)
    split = _last(history.splits, moment)
    split = split if split is not None and split.model == model else None
    rollout = next((one.rollout for one in history.rollouts if one.lasted(moment)), None)
    share, changed = _audit_share(history, version, moment)
    number = None if champion is None else champion.number
    traffic = TrafficSplit(history.automation, model or "") if split is None else split
    shares = {} if model is None else traffic.answering(number)
    arms = [arm_of(model or "", one, in_force="" if policy is None else policy.version) for one in shares]
    held = _held(history.states, moment)
    return LineAt(
        automation=history.automation,
        at=moment,
        state=next((one.state for one in held if not one.segment), LineState.AUTOMATIC),
        held=held,
        release=_part(release, lambda one: f"version {one.version}", "released_by", "released_at"),
        model=model,
        policy=_part(policy, lambda one: one.version),
        champion=_part(champion, lambda one: f"{one.name} {one.number}"),
        shares={str(one): percent for one, percent in shares.items()},
        shadows=[] if model is None else [str(one) for one in traffic.looking_on(number)],
        arms=arms,
        rollout=_part(
            rollout, lambda one: f"rollout {one.number}: version {one.candidate}", "started_by", "created_at"
        ),
        split=None
        if split is None
        else SplitAt(split_sentence(split), split.set_by, split.set_at or moment, split.reason, split.number),
        gates=list(_gates(arms, gates.as_of(tx, history.automation, moment), moment)),
        audit_share=share,
        audit_change=_part(changed, lambda one: f"{one.share:.2%}", "by", "at"),
    )


def _part(one: Any | None, what: Callable[[Any], str], by: str = "set_by", at: str = "set_at") -> SetPart | None:
    """Return a row as a part that was in force; `by` and `at` name its fields with who set it and when."""
    return None if one is None else SetPart(what(one), getattr(one, by), getattr(one, at), one.reason)


def _last(some: Sequence[T], moment: datetime, at: str = "set_at") -> T | None:
    """Return the last of these up to a moment; `at` names the field with its time."""
    return next((one for one in reversed(some) if (then := getattr(one, at)) is not None and then <= moment), None)


def _held(changes: Sequence[LineStateChange], moment: datetime) -> Sequence[HeldAt]:
    """Return the newest change of each part up to a moment, if that part was not automatic."""
    newest = {shown_segment(one.segment): one for one in changes if one.at <= moment}
    return [
        HeldAt(one.after.value, one.by, one.at, one.reason, one.after, dict(one.segment))
        for one in newest.values()
        if one.after is not LineState.AUTOMATIC
    ]


def _audit_share(
    history: LineHistory, version: AutomationVersion | None, moment: datetime
) -> tuple[float | None, AuditShare | None]:
    declared = None if version is None else decisions.declared_audit(version)
    if declared is None:
        return None, None
    changed = _last(history.shares, moment, "at")
    return declared.in_force(None if changed is None else changed.share), changed


def _gates(arms: Sequence[str], revisions: Mapping[str, ArmRevisions], moment: datetime) -> Iterator[GateAt]:
    """Return the gate of each arm that answered, and of each part with a gate of its own."""
    for arm in arms:
        there = revisions.get(arm, ArmRevisions.of(()))
        whole = there.in_force(gates.WHOLE, moment)
        for part in sorted(there.parts, key=lambda one: (one != gates.WHOLE, str(one))):
            held = there.in_force(part, moment)
            if held is not None and (part == gates.WHOLE or held != whole):
                said, where = (
                    confidence_sentence(held),
                    gates.shown_part(gates.segment_of_part(there.field, part), part[1]),
                )
                yield GateAt(said, held.by, held.at, held.reason, arm, where, held.revision, held.threshold)

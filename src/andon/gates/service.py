"""Making and reading gate revisions. Every revision is audited, announced and published."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from andon import audit
from andon.gates import store
from andon.gates.domain import GateRevision, GateSegment, Origin, check_narrowing
from andon.gates.errors import GateInvalid
from andon.gates.holding import WHOLE, ArmRevisions, Part, segment_of_part
from andon.gates.published import GateRevised
from andon.gates.vouched import GATES, POINTERS
from andon.kernel.db import Tx, announce
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM, Actor
from andon.serving import proven_arm

ANNOUNCED = "gates"
"""The noun under which revised gates are announced to processes."""

WIDER_HOLDS = timedelta(hours=24)
"""How long a live revision holds that is wider than what held-out evidence proves, unless it is renewed."""


@dataclass(frozen=True, slots=True)
class ProvenGate:
    """The least confidence that evidence proves to be enough, for one part of an arm."""

    automation: str
    arm: str
    automation_version: int
    threshold: float
    target: float
    confidence: float | None
    evidence: Mapping[str, Any]
    predicted: str = ""
    segment: GateSegment | None = None
    table: Mapping[str, Any] | None = None
    """The held-out rows by confidence, with which proofs of the arm begin; kept with the revision of the whole line."""


def ensure_held_out(tx: Tx, proven: ProvenGate, *, events: Events, now: datetime) -> GateRevision:
    """Return the revision that an arm's held-out evidence gives; a new one if it says otherwise than the newest.

    Code of an earlier automation version adds none, so two versions side by side do not revise the gate in turns.
    """
    known = store.newest_held_out(tx, proven.automation, proven.arm, proven.predicted)
    if known is None or not _is_met(known, proven):
        store.hold(tx, proven.automation)
        known = store.newest_held_out(tx, proven.automation, proven.arm, proven.predicted)
        if known is None or not _is_met(known, proven):
            made = _revision(tx, proven, Origin.HELD_OUT, "held-out evidence of the model", now)
            put(tx, made, None if known is None else known.threshold, PLATFORM, events, table=proven.table)
            return made
    return known


def prove(tx: Tx, proven: ProvenGate, *, reason: str, events: Events, now: datetime) -> GateRevision:
    """Make a live revision. One that is wider than held-out evidence holds for a day, unless it is renewed.

    Raises GateInvalid for an arm that never answered, and for a target that is not the declared one.
    """
    store.hold(tx, proven.automation)
    there = arm_revisions(tx, proven.automation, proven.arm, now)
    held_out = there.held_out.get(proven.predicted)
    if held_out is None or (held_out.target, held_out.confidence) != (proven.target, proven.confidence):
        message = "The arm has no gate with this target and confidence"
        raise GateInvalid(message, faults=[Fault("arm", message)])
    wider = proven.threshold < held_out.threshold
    made = _revision(tx, proven, Origin.LIVE, reason, now, expires_at=now + WIDER_HOLDS if wider else None)
    before = there.proven((next(iter(made.segment.values()), None), proven.predicted), now)
    put(tx, made, None if before is None else before.threshold, PLATFORM, events)
    return made


def narrow(
    tx: Tx,
    automation: str,
    arm: str,
    *,
    threshold: float,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    expires_at: datetime | None = None,
    part: Part = WHOLE,
) -> GateRevision:
    """Ask for more confidence than the proof requires, until a moment or the next declaration. Raises GateInvalid.

    `part` limits it to one value of the field by which there are gates, or to one predicted class.
    """
    store.hold(tx, automation)
    if arm != proven_arm(arm):
        message = f"It has a gate of its own: narrow {proven_arm(arm)}, which holds for it, too"
        raise GateInvalid(message, faults=[Fault("arm", message)])
    there = arm_revisions(tx, automation, arm, now)
    _check_part(there, part)
    check_narrowing(there.proven(part, now), threshold, reason, now, expires_at)
    reason = reason.strip()
    return ask(tx, there, arm, threshold, part, actor=actor, reason=reason, events=events, now=now, until=expires_at)


def ask(
    tx: Tx,
    there: ArmRevisions,
    arm: str,
    threshold: float,
    part: Part = WHOLE,
    *,
    actor: Actor,
    reason: str,
    events: Events,
    now: datetime,
    until: datetime | None = None,
    **source: str,
) -> GateRevision:
    """Write what a person or a candidate asks for beside what is proven. Raises GateInvalid where nothing ever was."""
    proven, before = there.proven(part, now), there.in_force(part, now)
    if proven is None:
        raise GateInvalid(f"{proven_arm(arm)} has no gate yet, so there is no proof for a gate of its own")
    made = replace(
        proven,
        revision=store.next_revision(tx, proven.automation),
        arm=arm,
        threshold=threshold,
        origin=Origin.PERSON,
        evidence={"at_least": proven.revision, **source},
        by=actor.name,
        reason=reason,
        at=now,
        expires_at=until,
        segment=segment_of_part(there.field, part),
        predicted=part[1],
    )
    put(tx, made, None if before is None else before.threshold, actor, events)
    return made


def living(tx: Tx, now: datetime) -> Mapping[str, Mapping[str, ArmRevisions]]:
    """Return what may hold now or when something expires, by automation and arm."""
    found: dict[str, list[GateRevision]] = {}
    for one in store.living(tx, now):
        found.setdefault(one.automation, []).append(one)
    return {name: _by_arm(some) for name, some in found.items()}


def doubted(tx: Tx, now: datetime) -> frozenset[str]:
    """Return the automations with a revision or pointer that may hold and differs from the audit log."""
    revisions = [GATES.row(one.automation, one.revision) for one in store.living(tx, now)]
    found: set[str] = set()
    for kind, rows in ((GATES, revisions), (POINTERS, None)):
        refused = audit.doubts(tx, kind, rows)
        audit.tell_refused(kind, refused)
        found.update(key[0] for key in refused)
    return frozenset(found)


def arm_revisions(tx: Tx, automation: str, arm: str, now: datetime) -> ArmRevisions:
    """Return what may hold of one arm."""
    arms = {arm, proven_arm(arm)}
    found = _by_arm([one for each in arms for one in store.living(tx, now, automation, each)])
    return found.get(arm) or ArmRevisions.of(())


def in_force_by_arm(tx: Tx, automation: str, now: datetime) -> Mapping[str, frozenset[int]]:
    """Return the numbers of the revisions that hold now for some part of each arm, whether or not it still answers."""
    return {
        arm: frozenset(one.revision for part in there.parts if (one := there.in_force(part, now)) is not None)
        for arm, there in _by_arm(store.living(tx, now, automation)).items()
    }


def as_of(tx: Tx, automation: str, moment: datetime) -> Mapping[str, ArmRevisions]:
    """Return what might hold at a moment, by arm."""
    return _by_arm(store.as_of(tx, automation, moment))


def _by_arm(revisions: Iterable[GateRevision]) -> Mapping[str, ArmRevisions]:
    """Sort revisions of one automation; those of an arm with a gate of its own follow what proves it."""
    arms: dict[str, list[GateRevision]] = {}
    for one in revisions:
        arms.setdefault(one.arm, []).append(one)
    found = {arm: ArmRevisions.of(some) for arm, some in arms.items() if arm == proven_arm(arm)}
    for arm in arms.keys() - found.keys():
        if proven_arm(arm) in found:
            newest = max(arms[arm], key=lambda one: one.revision)
            found[arm] = found[proven_arm(arm)].with_own(newest)
    return found


def _check_part(there: ArmRevisions, part: Part) -> None:
    faults = []
    if part[0] is not None and there.field is None:
        faults.append(Fault("segment", "No gates by the values of a field are declared for this arm"))
    if part[1] and part[1] not in there.classes:
        known = ", ".join(sorted(there.classes)) or "none"
        faults.append(
            Fault("predicted", f"No gate of the class {part[1]!r} is declared for this arm (there are: {known})")
        )
    if faults:
        raise GateInvalid(faults=faults)


def _is_met(known: GateRevision, proven: ProvenGate) -> bool:
    same = (known.threshold, known.target, known.confidence) == (proven.threshold, proven.target, proven.confidence)
    declared = all(
        known.evidence.get(name) == proven.evidence.get(name) for name in ("by", "classes", "local", "table")
    )
    return (same and declared) or known.automation_version > proven.automation_version


def _revision(
    tx: Tx, proven: ProvenGate, origin: Origin, reason: str, now: datetime, *, expires_at: datetime | None = None
) -> GateRevision:
    return GateRevision(
        automation=proven.automation,
        revision=store.next_revision(tx, proven.automation),
        arm=proven.arm,
        threshold=proven.threshold,
        target=proven.target,
        confidence=proven.confidence,
        origin=origin,
        evidence=proven.evidence,
        automation_version=proven.automation_version,
        by=PLATFORM.name,
        reason=reason,
        at=now,
        expires_at=expires_at,
        segment=proven.segment or {},
        predicted=proven.predicted,
    )


def put(
    tx: Tx,
    made: GateRevision,
    before: float | None,
    actor: Actor,
    events: Events,
    *,
    table: Mapping[str, Any] | None = None,
) -> None:
    """Write a revision, published, audited and announced. `before` is the threshold until now.

    It is audited last, as subscribers may wait for the cord, whose holder may wait for the audit log.
    """
    store.add(tx, made, table)
    part = {"segment": dict(made.segment), "predicted": made.predicted}
    published = GateRevised(
        made.automation,
        made.arm,
        made.revision,
        made.threshold,
        before,
        made.target,
        made.origin,
        made.expires_at,
        made.by,
        made.reason,
        made.segment,
        made.predicted,
        at=made.at,
    )
    events.publish(tx, published)
    audit.record(
        tx,
        actor=actor,
        action="gate.revise",
        subject=f"automation:{made.automation}",
        at=made.at,
        reason=made.reason,
        before=None if before is None else {"threshold": before},
        after={
            "revision": made.revision,
            "arm": made.arm,
            **{name: value for name, value in part.items() if value},
            "threshold": made.threshold,
            "target": made.target,
            "origin": made.origin.value,
            "expires_at": None if made.expires_at is None else made.expires_at.isoformat(),
        },
        rows=[GATES.row(made.automation, made.revision), *store.pointers_to(tx, made)],
    )
    announce(tx, ANNOUNCED)

"""Making and reading gate revisions. Every revision is audited, announced and published."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from andon import audit
from andon.gates import store
from andon.gates.domain import GateRevision, Origin, check_narrowing, in_force
from andon.gates.published import GateRevised
from andon.kernel.db import Tx, announce
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM, Actor

ANNOUNCED = "gates"
"""The noun under which processes hear of revised gates."""


def ensure_held_out(
    tx: Tx,
    automation: str,
    arm: str,
    *,
    automation_version: int,
    threshold: float,
    target: float,
    confidence: float | None,
    evidence: Mapping[str, Any],
    events: Events,
    now: datetime,
) -> GateRevision:
    """The revision that an arm's held-out evidence gives; a new one if the threshold or the target differs from the newest.

    Code of an earlier automation version adds none, so two versions side by side do not revise the gate in turns.
    """
    known = store.newest_of(tx, automation, arm, Origin.HELD_OUT)
    if known is None or not _is_met(known, threshold, target, confidence, automation_version):
        store.lock(tx, automation)
        known = store.newest_of(tx, automation, arm, Origin.HELD_OUT)
        if known is None or not _is_met(known, threshold, target, confidence, automation_version):
            made = GateRevision(
                automation=automation,
                revision=store.next_revision(tx, automation),
                arm=arm,
                threshold=threshold,
                target=target,
                confidence=confidence,
                origin=Origin.HELD_OUT,
                evidence=evidence,
                automation_version=automation_version,
                by=PLATFORM.name,
                reason="held-out evidence of the model",
                at=now,
            )
            _put(tx, made, None if known is None else known.threshold, PLATFORM, events)
            return made
    return known


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
) -> GateRevision:
    """Ask for more confidence than is proven to be needed, until a moment or until the next revision. Raises GateInvalid."""
    store.lock(tx, automation)
    proven = store.newest_of(tx, automation, arm, Origin.HELD_OUT)
    check_narrowing(proven, threshold, reason, now, expires_at)
    assert proven is not None  # noqa: S101 - check_narrowing raises otherwise
    before = in_force(store.of_arm(tx, automation, arm), now)
    made = GateRevision(
        automation=automation,
        revision=store.next_revision(tx, automation),
        arm=arm,
        threshold=threshold,
        target=proven.target,
        confidence=proven.confidence,
        origin=Origin.PERSON,
        evidence={"at_least": proven.revision},
        automation_version=proven.automation_version,
        by=actor.name,
        reason=reason.strip(),
        at=now,
        expires_at=expires_at,
    )
    _put(tx, made, None if before is None else before.threshold, actor, events)
    return made


def newest(tx: Tx, now: datetime) -> Sequence[GateRevision]:
    """The revisions that hold now, and those that will when one of them has expired."""
    return store.newest_living(tx, now)


def in_force_of(tx: Tx, automation: str, now: datetime) -> dict[str, int]:
    """The revision that holds now for each arm of one automation."""
    arms: dict[str, list[GateRevision]] = {}
    for revision in store.newest_living(tx, now):
        if revision.automation == automation:
            arms.setdefault(revision.arm, []).append(revision)
    found = ((arm, in_force(revisions, now)) for arm, revisions in arms.items())
    return {arm: one.revision for arm, one in found if one is not None}


def page(tx: Tx, automation: str, *, limit: int = 50) -> Sequence[GateRevision]:
    """The revisions of one automation, newest first."""
    return store.page(tx, automation, limit)


def _is_met(
    known: GateRevision, threshold: float, target: float, confidence: float | None, automation_version: int
) -> bool:
    same = (known.threshold, known.target, known.confidence) == (threshold, target, confidence)
    return same or known.automation_version > automation_version


def _put(tx: Tx, made: GateRevision, before: float | None, actor: Actor, events: Events) -> None:
    store.add(tx, made)
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
            "threshold": made.threshold,
            "target": made.target,
            "origin": made.origin.value,
            "expires_at": None if made.expires_at is None else made.expires_at.isoformat(),
        },
    )
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
        at=made.at,
    )
    events.publish(tx, published)
    announce(tx, ANNOUNCED)

"""Recording and reading what turned out to be true."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from andon import audit, reviews
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.labels import store
from andon.labels.domain import Label, LabelSource, value_of


def record(
    tx: Tx,
    *,
    decision_id: UUID,
    automation: str,
    value: str | bool | float,
    source: LabelSource,
    actor: Actor,
    now: datetime,
    weight: float = 1.0,
) -> Label:
    """Write down what turned out to be true. Saying the same again gives the label that is there; a correction adds one.

    Raises LabelInvalid.
    """
    text = value_of(value)
    said = [label for label in store.of_decision(tx, decision_id) if label.source is source]
    if said and said[-1].value == text:
        return said[-1]
    label = Label(uuid7(now), decision_id, automation, text, source, weight, actor.name, now)
    store.add(tx, label)
    audit.record(
        tx,
        actor=actor,
        action="label.record",
        subject=f"decision:{decision_id}",
        at=now,
        before={"value": said[-1].value} if said else None,
        after={"value": text, "source": source.value, "weight": weight},
    )
    return label


def of_decision(tx: Tx, decision_id: UUID) -> list[Label]:
    """All labels of one decision, oldest first; the last of a source is what it says now."""
    return store.of_decision(tx, decision_id)


def newest_of(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, tuple[str, float]]:
    """What is known last of each of these decisions, and its weight; those of which nothing is known are left out."""
    return store.newest_of(tx, ids) if ids else {}


def subscribe(events: Events) -> None:
    """From now on every verdict becomes a label, in the verdict's own transaction."""
    events.subscribe(reviews.VerdictGiven, _label)


def _label(tx: Tx, given: reviews.VerdictGiven) -> None:
    record(
        tx,
        decision_id=given.decision_id,
        automation=given.automation,
        value=given.verdict.outcome,
        source=LabelSource.REVIEW,
        actor=Actor(given.verdict.by),
        now=given.verdict.at,
    )

"""Recording, correcting and reading what turned out to be true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from andon import audit, decisions, reviews
from andon.authoring import Truth
from andon.decisions import DecisionRow
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import floor_of, uuid7
from andon.labels import store
from andon.labels.classes import classes_known
from andon.labels.domain import (
    Label,
    LabelSource,
    checked_probability,
    class_of,
    invalid,
    known_when,
)
from andon.labels.errors import LabelNotFound, LabelReplaced
from andon.labels.placing import place
from andon.labels.published import LabelCorrected, LabelRecorded
from andon.labels.validity import ValidLabel, matures_at, valid_label, with_meaning
from andon.labels.vouched import LABELS


@dataclass(frozen=True, slots=True)
class DecisionLabels:
    """All labels of one decision, oldest first, each with its class where it has one; and what counts now."""

    labels: tuple[Label, ...]
    valid: ValidLabel | None
    matures_at: datetime


def record(
    tx: Tx,
    *,
    decision_id: UUID,
    value: str | bool | float,
    source: LabelSource,
    actor: Actor,
    events: Events,
    now: datetime,
    probability: float = 1.0,
    known_at: datetime | None = None,
) -> Label:
    """Record which class was true. A repeat returns the label that is there; a source that says otherwise adds one.

    Raises DecisionNotFound, LabelInvalid.
    """
    row = decisions.get(tx, decision_id).row
    truth = decisions.truth_of(tx, row.automation)
    text = class_of(value, classes_known(tx, row, truth))
    label = Label(
        id=uuid7(now),
        decision_id=decision_id,
        automation=row.automation,
        said=text,
        value=text,
        source=source,
        probability=checked_probability(probability),
        by=actor.name,
        known_at=known_when(known_at, now),
        recorded_at=now,
    )
    store.hold(tx, [row.automation])
    return _add(tx, label, truth, actor, events, dated=known_at is not None)


def correct(
    tx: Tx,
    label_id: UUID,
    *,
    decision_id: UUID,
    value: str | bool | float,
    reason: str,
    actor: Actor,
    events: Events,
    now: datetime,
    known_at: datetime | None = None,
) -> Label:
    """Replace the class of a label, with a reason; the label stays in the history.

    Raises DecisionNotFound, LabelNotFound, LabelReplaced, LabelInvalid, ReasonInvalid.
    """
    row = decisions.get(tx, decision_id).row
    truth, why = decisions.truth_of(tx, row.automation), reasons.require(reason)
    store.lock(tx, label_id)
    there = {label.id: label for label in store.of_decision(tx, decision_id)}
    if label_id not in there:
        raise LabelNotFound(f"Decision {decision_id} has no label {label_id}")
    if any(label.corrects == label_id for label in there.values()):
        raise LabelReplaced
    before = with_meaning(there[label_id], truth)
    text = class_of(value, classes_known(tx, row, truth))
    label = Label(
        id=uuid7(now),
        decision_id=decision_id,
        automation=row.automation,
        said=text,
        value=text,
        source=before.source,
        probability=before.probability,
        by=actor.name,
        known_at=known_when(known_at, now),
        recorded_at=now,
        corrects=before.id,
        reason=why,
    )
    _write(tx, label, before, actor)
    _publish(tx, label, before, events)
    return label


def of_decision(tx: Tx, decision_id: UUID) -> list[Label]:
    """Return all labels of one decision as they were recorded, oldest first."""
    return store.of_decision(tx, decision_id)


def of_decisions(tx: Tx, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Label]]:
    """Return the labels of these decisions as they were recorded, oldest first; decisions without any are left out."""
    return store.of_decisions(tx, ids)


def labelled_between(tx: Tx, automation: str, first: UUID, end: UUID) -> dict[UUID, list[Label]]:
    """Return the labels of an automation's decisions with ids from `first` to before `end`, oldest first."""
    return store.labelled_between(tx, automation, first, end)


def decisions_between(tx: Tx, automation: str, first: UUID, last: UUID) -> list[UUID]:
    """Return the decisions of an automation that labels with ids from `first` to `last` are about, each once."""
    return store.decisions_between(tx, automation, first, last)


def known_of(tx: Tx, row: DecisionRow, now: datetime) -> DecisionLabels:
    """Return all labels of one decision and what counts now."""
    truth = decisions.truth_of(tx, row.automation)
    said = store.of_decision(tx, row.id)
    return DecisionLabels(
        labels=tuple(with_meaning(label, truth) for label in said),
        valid=valid_label(said, truth, outcome=row.outcome, decided_at=row.decided_at, moment=now),
        matures_at=matures_at(truth, row.decided_at),
    )


def valid_of(tx: Tx, rows: Sequence[DecisionRow], moment: datetime) -> Mapping[UUID, ValidLabel]:
    """Return the valid label of each of these decisions at a moment; decisions without one are left out."""
    truths = {name: decisions.truth_of(tx, name) for name in {row.automation for row in rows}}
    said = store.of_decisions(tx, [row.id for row in rows])
    found = {}
    for row in rows:
        truth = truths[row.automation]
        valid = valid_label(said.get(row.id, []), truth, outcome=row.outcome, decided_at=row.decided_at, moment=moment)
        if valid is not None:
            found[row.id] = valid
    return found


def said_of(tx: Tx, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Label]]:
    """Return all labels of these decisions, oldest first; decisions without any are left out."""
    return store.of_decisions(tx, ids)


def labelled_in(tx: Tx, automation: str, since: datetime, until: datetime, *, limit: int) -> tuple[Sequence[UUID], int]:
    """Return labelled decisions requested between two moments, and their number.

    Of more than `limit` it always returns the same ones.
    """
    return store.labelled(tx, automation, floor_of(since), floor_of(until), limit)


def hours_of_import(tx: Tx, first: UUID, last: UUID) -> Sequence[tuple[str, datetime]]:
    """Return the automations and hours of the decisions that labels with ids from `first` to `last` are about."""
    return store.hours_between(tx, first, last)


def classes_of(tx: Tx, row: DecisionRow) -> tuple[str, ...]:
    """Return the classes that a label of a decision may name."""
    return classes_known(tx, row, decisions.truth_of(tx, row.automation))


def subscribe(events: Events) -> None:
    """Turn every verdict and blind audit into a label from now on, in the verdict's own transaction."""
    events.subscribe(reviews.VerdictGiven, partial(_label_verdict, events))
    events.subscribe(reviews.BlindAuditDecided, partial(_label_audit, events))


def _label_verdict(events: Events, tx: Tx, given: reviews.VerdictGiven) -> None:
    """Record what a verdict implies for the class.

    Nothing if both the declared truth and the reviewer leave it open.
    """
    verdict, truth = given.verdict, decisions.truth_of(tx, given.automation)
    value = None if truth is None else truth.outcomes.get(verdict.outcome)
    if given.label is not None:
        value = _confirmed(tx, given, value, truth)
    if value is None and truth is not None:
        return
    label = Label(
        id=uuid7(verdict.at),
        decision_id=given.decision_id,
        automation=given.automation,
        said=verdict.outcome,
        value=value,
        source=LabelSource.REVIEW,
        probability=1.0,
        by=verdict.by,
        known_at=verdict.at,
        recorded_at=verdict.at,
    )
    _add(tx, label, truth, Actor(verdict.by), events)


def _label_audit(events: Events, tx: Tx, audited: reviews.BlindAuditDecided) -> None:
    """Record what a blind audit says, with the probability with which its decision was drawn."""
    label = Label(
        id=uuid7(audited.at),
        decision_id=audited.decision_id,
        automation=audited.automation,
        said=audited.value,
        value=audited.value,
        source=LabelSource.BLIND_AUDIT,
        probability=audited.probability,
        by=audited.by,
        known_at=audited.at,
        recorded_at=audited.at,
    )
    _add(tx, label, decisions.truth_of(tx, audited.automation), Actor(audited.by), events)


def _confirmed(tx: Tx, given: reviews.VerdictGiven, by_outcome: str | None, truth: Truth | None) -> str:
    """Return the class that the reviewer named. Raises LabelInvalid if it is unknown, or the outcome says another."""
    row = decisions.get(tx, given.decision_id).row
    named = class_of(given.label or "", classes_known(tx, row, truth), where="label")
    if by_outcome not in (None, named):
        raise invalid("label", f"The outcome {given.verdict.outcome!r} means {by_outcome!r}, not {named!r}")
    return named


def _add(tx: Tx, label: Label, truth: Truth | None, actor: Actor, events: Events, *, dated: bool = False) -> Label:
    """Write a label, unless its source said the same before."""
    placed = place(store.of_decision(tx, label.decision_id), label, truth, dated=dated)
    if not placed.repeats:
        _write(tx, label, placed.before, actor)
        _publish(tx, label, placed.before, events)
    return placed.label


def _publish(tx: Tx, label: Label, before: Label | None, events: Events) -> None:
    of = label.id, label.decision_id, label.automation, label.value
    if before is None:
        events.publish(
            tx, LabelRecorded(*of, label.source, label.probability, label.known_at, label.by, at=label.recorded_at)
        )
        return
    corrected = LabelCorrected(
        *of, before.value, before.id, label.source, label.known_at, label.by, label.reason, at=label.recorded_at
    )
    events.publish(tx, corrected)


def _write(tx: Tx, label: Label, before: Label | None, actor: Actor) -> None:
    """Write a label and its audit entry."""
    store.add(tx, label)
    after = {
        "said": label.said,
        "value": label.value,
        "source": label.source.value,
        "probability": label.probability,
        "known_at": label.known_at.isoformat(),
    }
    audit.record(
        tx,
        actor=actor,
        action="label.record" if label.corrects is None else "label.correct",
        subject=f"decision:{label.decision_id}",
        at=label.recorded_at,
        reason=label.reason,
        before=None if before is None else {"value": before.value, "label": str(before.id)},
        after=after,
        rows=[LABELS.row(label.id)],
    )

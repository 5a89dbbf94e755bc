"""Bulk labels, by a handful of statements: each report is recorded, repeats a label, or is refused by itself."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import TypeAlias
from uuid import UUID

from andon import audit, decisions
from andon.decisions import DecisionNotFound, DecisionRow
from andon.kernel.db import Tx
from andon.kernel.errors import AndonError, Fault
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7, uuid7_in
from andon.labels import store
from andon.labels.classes import KnownClasses
from andon.labels.domain import Label, checked_probability, class_of, known_when
from andon.labels.published import LabelsImported
from andon.labels.reports import TruthReport
from andon.labels.settling import CandidateLabel, Fate, Settled, settle

Allowed: TypeAlias = Callable[[str, TruthReport], AndonError | None]
"""Says why a report about a decision of an automation is refused; None if it is allowed."""


def record_all(
    tx: Tx,
    reports: Sequence[TruthReport],
    *,
    actor: Actor,
    events: Events,
    now: datetime,
    allowed: Allowed = lambda *_: None,
    undated: datetime | None = None,
) -> list[Settled]:
    """Record many reports and return the result of each, in order. The same reports again record nothing.

    The result does not depend on the order of the reports. One without a time became known at `undated`, or otherwise
    now. Two that contradict each other at the same moment are both refused. There is one audit entry and one event for
    each automation.
    """
    settled: dict[int, Settled] = {}
    rows = decisions.rows_of(tx, [report.decision_id for report in reports])
    known = KnownClasses(tx)
    series = uuid7(now)
    by_decision: dict[UUID, list[CandidateLabel]] = defaultdict(list)
    for number, report in enumerate(reports):
        try:
            row = _row(rows, report, allowed)
            at = known_when(report.known_at or (undated and min(undated, now)), now)
            text = class_of(report.value, known.classes_of(row))
            probability = checked_probability(report.probability)
        except AndonError as error:
            settled[number] = Settled(Fate.REFUSED, error=error)
            continue
        label = Label(
            id=uuid7_in(series, now, number),
            decision_id=row.id,
            automation=row.automation,
            said=text,
            value=text,
            source=report.source,
            probability=probability,
            by=actor.name,
            known_at=at,
            recorded_at=now,
        )
        by_decision[row.id].append(CandidateLabel(number, label, dated=report.known_at is not None))
    store.hold(tx, {rows[decision_id].automation for decision_id in by_decision})
    said = store.of_decisions(tx, list(by_decision))
    for decision_id, candidates in by_decision.items():
        truth = known.truth_of(rows[decision_id].automation)
        settled |= settle(said.get(decision_id, []), candidates, truth)
    new = sorted((one for one in settled.values() if one.fate is Fate.RECORDED), key=lambda one: _label(one).id)
    if new:
        store.add_all(tx, [_label(one) for one in new])
        _tell(tx, settled.values(), new, actor, events, now)
    return [settled[number] for number in range(len(reports))]


def digest_of(labels: Sequence[Label]) -> str:
    """Return the digest of labels in the audit log. docs/explain/audit.md says how to compute it from the table."""
    digest = sha256()
    for label in labels:
        known_at = label.known_at.astimezone(UTC).isoformat()
        said = (label.value, label.source.value, label.probability, known_at, label.by)
        fields = [str(label.id), str(label.decision_id), *said]
        digest.update(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()


def _row(rows: Mapping[UUID, DecisionRow], report: TruthReport, allowed: Allowed) -> DecisionRow:
    row = rows.get(report.decision_id)
    if row is None:
        raise not_found(report)
    refused = allowed(row.automation, report)
    if refused is not None:
        raise refused
    return row


def not_found(report: TruthReport) -> DecisionNotFound:
    """Make the error for a decision that does not exist, or not for this caller."""
    message = f"No decision {report.decision_id}"
    return DecisionNotFound(message, faults=[Fault("decision_id", message)])


def _label(one: Settled) -> Label:
    assert one.label is not None  # noqa: S101 - only what was refused has none
    return one.label


def _tell(
    tx: Tx, settled: Collection[Settled], new: Sequence[Settled], actor: Actor, events: Events, now: datetime
) -> None:
    """Publish and audit what was recorded, automation by automation. The audit log comes last: it makes others wait."""
    repeated = Counter(_label(one).automation for one in settled if one.fate is Fate.REPEATED)
    by_automation: dict[str, list[Settled]] = defaultdict(list)
    for one in new:
        by_automation[_label(one).automation].append(one)
    told = []
    for automation, ones in sorted(by_automation.items()):
        labels = [_label(one) for one in ones]
        corrected = sum(one.corrects is not None for one in ones)
        counts = (len(labels), corrected, repeated[automation])
        imported = LabelsImported(
            automation, *counts, labels[0].id, labels[-1].id, digest_of(labels), actor.name, at=now
        )
        events.publish(tx, imported)
        told.append(imported)
    for imported in told:
        after = {name: value for name, value in imported.data().items() if name not in ("automation", "by")}
        audit.record(
            tx, actor=actor, action="label.import", subject=f"automation:{imported.automation}", at=now, after=after
        )

"""Gathering of evidence: committed decisions are counted, labels become evidence, and matured silence is looked at."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from andon import decisions, labels, models
from andon.authoring import Truth
from andon.cord import LineState
from andon.decisions import AutomationVersion, DecisionRecord, DecisionRow, FeedItem, FeedRecord
from andon.gates import GateSegment
from andon.kernel.db import Tx
from andon.labels import matures_at
from andon.proofs import store
from andon.proofs.counting import count
from andon.proofs.domain import GateEvidence
from andon.proofs.evidence import Floors, NotYet, evidence_of, segment_in
from andon.serving import proven_arm

AT_ONCE = 1000
"""The most decisions of one transaction."""

SWEPT_AT_ONCE = 500
"""The most matured decisions of one automation that are looked at in one transaction."""

BEHIND = timedelta(hours=1)
"""The delay beyond which a sweep skips decisions: the others are still a fair sample, whatever their labels."""

COMMITTED_LATE = timedelta(minutes=10)
"""The longest time from request to commit of a decision that is swept; longer waits are rare."""


class Thresholds:
    """The rising thresholds of model versions, each read once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._known: dict[tuple[str, int], list[float]] = {}

    def of(self, model: str, number: int) -> Sequence[float]:
        """Return the thresholds of one version."""
        if (model, number) not in self._known:
            table = models.get(self._tx, model, number).manifest.risk.table
            self._known[model, number] = sorted(row.threshold for row in table)
        return self._known[model, number]


class Gathering:
    """One transaction's scan for new evidence. `versions` are those in force of automations that declare a bound."""

    def __init__(self, tx: Tx, versions: Mapping[str, AutomationVersion], now: datetime) -> None:
        self._tx, self._versions, self._now = tx, versions, now
        self._truths: dict[str, Truth | None] = {}
        self._slices: dict[tuple[str, str, Any], Sequence[store.SliceCount]] = {}

    def count(self, committed: Sequence[FeedItem]) -> None:
        """Count committed decisions."""
        if committed:
            thresholds, bounded = Thresholds(self._tx), self._versions
            counts = count(committed, thresholds.of, self._segment_of_item, self._is_heard, bounded=bounded)
            store.count_traffic(self._tx, counts.traffic_rows())
            store.count_slices(self._tx, counts.slice_rows())

    def note_labels(self, ids: Sequence[UUID]) -> None:
        """Turn the labels of these decisions into evidence."""
        if ids:
            self._note(list(decisions.records_of(self._tx, sorted(ids)).values()), swept=False)

    def sweep(self, automation: str) -> bool:
        """Look at matured decisions whose silence is a label. Return True if there may be more."""
        truth = self._truth(automation)
        if truth is None or truth.unreported is None:
            return False
        until = self._now - max(truth.matures, COMMITTED_LATE)
        known = store.sweep_of(self._tx, automation)
        after, since = (None, until) if known is None else known
        if until - since > BEHIND:
            after, since = None, until - BEHIND
        found = decisions.following(self._tx, automation, since, until, limit=SWEPT_AT_ONCE, after=after)
        full = len(found) == SWEPT_AT_ONCE
        if found:
            self._note(found, swept=True)
        store.put_sweep(
            self._tx, automation, found[-1].row.id if found else after, found[-1].row.decided_at if full else until
        )
        return full

    def _note(self, records: Sequence[DecisionRecord], *, swept: bool) -> None:
        wanted = [one for one in records if one.row.automation in self._versions]
        ids = [one.row.id for one in wanted]
        said, known = labels.of_decisions(self._tx, ids), store.known_among(self._tx, ids)
        for record in wanted:
            self._note_one(record, said.get(record.row.id, ()), known, swept=swept)

    def _note_one(self, record: DecisionRecord, said: Sequence[labels.Label], known: set[UUID], *, swept: bool) -> None:
        row = record.row
        truth, segment = self._truth(row.automation), self._segment(row.automation, record.record["input"])
        silent = truth is not None and truth.unreported is not None
        every = swept or (silent and row.id in known and matures_at(truth, row.decided_at) <= self._now)
        found = evidence_of(
            row,
            said,
            truth,
            segment,
            lambda mature: self._floors(row, segment, silent=silent, mature=mature),
            now=self._now,
            swept=every,
        )
        if isinstance(found, GateEvidence):
            if store.put_evidence(self._tx, found, self._now):
                store.begin_anew(self._tx, row.automation, proven_arm(row.arm))
            return
        if isinstance(found, NotYet):
            store.postpone(self._tx, row.id, found.until)
        if row.id in known and store.drop_evidence(self._tx, row.id):
            store.begin_anew(self._tx, row.automation, proven_arm(row.arm))

    def _floors(self, row: DecisionRow, segment: GateSegment, *, silent: bool, mature: bool) -> Floors:
        """Return the least probabilities of a look at a decision of that time."""
        supervised = row.line_state is LineState.SUPERVISED
        if supervised and not segment:
            return Floors(1.0, 1.0)
        slices = self._slices_of(row.automation, proven_arm(row.arm), row.decided_at.astimezone(UTC).date())
        outside = None if silent else self._outside(row.automation, proven_arm(row.arm))
        by_parts = any(one.segment for one in slices)
        line = [one for one in slices if by_parts or one.gate_revision == row.gate_revision]
        own = [one for one in slices if one.segment == segment and one.gate_revision == row.gate_revision]
        part = 1.0 if supervised else _least(own, outside, mature=mature)
        return Floors(_least(line, outside, mature=mature), part)

    def _is_heard(self, automation: str, outcome: str) -> bool:
        truth = self._truth(automation)
        return truth is not None and truth.unreported is not None and truth.outcomes.get(outcome) == truth.unreported

    def _outside(self, automation: str, arm: str) -> float | None:
        return 1.0 if store.has_outside_labels(self._tx, automation, arm) else None

    def _slices_of(self, automation: str, arm: str, day: Any) -> Sequence[store.SliceCount]:
        key = automation, arm, day
        if key not in self._slices:
            self._slices[key] = store.slices_of(self._tx, automation, arm, day)
        return self._slices[key]

    def _truth(self, automation: str) -> Truth | None:
        if automation not in self._truths:
            self._truths[automation] = decisions.truth_of(self._tx, automation)
        return self._truths[automation]

    def _segment_of_item(self, item: FeedItem, record: FeedRecord) -> GateSegment:
        by = self._by(record.line.automation)
        return {} if by is None else self._segment(record.line.automation, item.input())

    def _segment(self, automation: str, given: Mapping[str, Any]) -> GateSegment:
        return segment_in(given, self._by(automation), self._versions[automation].description["contract"])

    def _by(self, automation: str) -> str | None:
        risk = decisions.bound_of(self._versions[automation])
        return None if risk is None else risk.by


def _least(slices: Sequence[store.SliceCount], outside: float | None, *, mature: bool) -> float | None:
    """Return the least probability of an audit.

    It is 1 where no decision depended on audits, `outside` where audits excluded some.
    """
    each = [one.least_unheard if mature else one.least_audit for one in slices]
    left = [least for least in each if least is not None]
    if not left:
        return 1.0
    return min(left) if min(left) > 0 else outside

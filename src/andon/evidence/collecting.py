"""Collecting of evidence in one transaction: decisions become cases, labels verdicts, and cases reach their age."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import structlog
from msgspec import convert

from andon import decisions, labels
from andon.cord import LineState
from andon.decisions import AutomationVersion, DecisionBatch, FeedGroup, FeedItem, FeedRecord, WholeRecord
from andon.evidence import store
from andon.evidence.counting import TrafficCounts
from andon.evidence.domain import OpenCase, is_looked_at, json_of, open_case
from andon.evidence.judging import ClusterStanding, Floors, class_at_age, class_now, standings, usual_sum
from andon.evidence.lines import KnownLines, LineFacts, Truths
from andon.gates import GateSegment
from andon.kernel.db import Tx, is_of_database
from andon.labels import Label, LabelSource, standing_labels
from andon.serving import proven_arm

log = structlog.get_logger(__name__)

LABELS = "labels"
"""The name under which labelled decisions are kept that could not be judged."""

AT_ONCE = 1000
"""The most labels or due cases of one transaction."""

SWEPT_AT_ONCE = 500
"""The most matured decisions of one automation that are looked at in one transaction."""

BEHIND = timedelta(hours=1)
"""The delay beyond which a sweep skips decisions: the others are still a fair sample, whatever their labels."""

COMMITTED_LATE = timedelta(minutes=10)
"""The longest time from request to commit of a decision that is swept; longer waits are rare."""

REMEMBERED = 2_000
"""The chosen cases of earlier intervals that show how many a subject usually has."""

_PEOPLE = (LabelSource.REVIEW, LabelSource.BLIND_AUDIT)


class Collecting:
    """One transaction of the stream."""

    def __init__(self, tx: Tx, lines: KnownLines, now: datetime) -> None:
        self._tx, self._lines, self._now = tx, lines, now
        self._truths = Truths(tx)
        self._slices: dict[tuple[str, str, date], Sequence[store.SliceCount]] = {}
        self._outside: dict[tuple[str, str], bool] = {}
        self._usual: dict[tuple[str, str, datetime], float] = {}

    def count(self, batch: DecisionBatch) -> None:
        """Count committed decisions by their columns, and note those that somebody looks at."""
        counts, looked = TrafficCounts(), set[bytes]()
        for group in batch.groups:
            if group.label is None or group.line_state is LineState.STOPPED:
                continue
            facts = self._lines.facts(self._tx, group.automation, group.automation_version)
            thresholds, heard = None, self._truths.is_heard(group.automation, group.outcome)
            if facts.is_bounded:
                thresholds = self._lines.thresholds(self._tx, group.model, group.model_version)
            rules = self._lines.rules(self._tx, group.automation, group.policy_version)
            for segment, confidences in _segments(batch, group, facts):
                counts.add(group, segment, confidences, thresholds=thresholds, heard=heard, rules=rules)
            if is_looked_at(group):
                looked.update(group.keys)
        store.count_traffic(self._tx, list(counts.traffic_rows()))
        store.count_slices(self._tx, list(counts.slice_rows()))
        found = [self._case(item.id, item.whole()) for item in batch.items(looked)]
        store.add(self._tx, [case for case in found if case is not None and case.looked])

    def relabelled(self, ids: Sequence[UUID]) -> None:
        """Take the labels of these decisions in: as verdicts at once, and for cases that changed after their age."""
        known = store.known(self._tx, ids)
        said = labels.of_decisions(self._tx, ids)
        left_out = list[UUID]()
        for item in decisions.items_of(self._tx, [one for one in ids if one not in known]):
            with _apart(item.id, left_out):
                case = self._unknown(item, said.get(item.id, ()))
                if case is not None:
                    store.add(self._tx, [case])
                    known[case.decision_id] = case, False, None
        if left_out:
            rows = decisions.rows_of(self._tx, left_out)
            store.hold(self._tx, LABELS, left_out, {row.automation for row in rows.values()})
        newest: dict[tuple[str, str], int] = {}
        for key, (case, aged, before) in known.items():
            own, truth = said.get(key, ()), self._truths.of(case.automation)
            if aged:
                self._change(case, before, class_at_age(case, own, truth))
            position = self._verdict(case, class_now(case, own, truth, self._now)) if case.looked else None
            if position is not None:
                newest[case.automation, proven_arm(case.arm)] = position
        self._advance(newest)

    def sweep(self, version: AutomationVersion) -> bool:
        """Note matured decisions whose silence is a label. Return True if there may be more."""
        if not self._truths.is_silent(version.name):
            return False
        facts = LineFacts.of(version)
        until = self._now - max(facts.maturity, COMMITTED_LATE)
        kept = store.sweep_of(self._tx, version.name)
        after, since = (None, until) if kept is None else kept
        if until - since > BEHIND:
            after, since = None, until - BEHIND
        found = decisions.following(self._tx, version.name, since, until, limit=SWEPT_AT_ONCE, after=after)
        full = len(found) == SWEPT_AT_ONCE
        cases = []
        for one in found:
            with _apart(one.row.id):
                record = convert(one.record, WholeRecord)
                if self._is_heard(record):
                    cases.append(self._case(one.row.id, record))
        store.add(self._tx, [case for case in cases if case is not None])
        store.put_sweep(
            self._tx, version.name, found[-1].row.id if found else after, found[-1].row.decided_at if full else until
        )
        return full

    def age(self, *, apart_from: Collection[str] = ()) -> bool:
        """Judge the cases that reach their age, not those of some automations. Return True if there may be more."""
        due = store.due(self._tx, self._now, AT_ONCE, apart_from)
        said = labels.of_decisions(self._tx, [case.decision_id for case in due]) if due else {}
        self._choose(due)
        newest: dict[tuple[str, str], int] = {}
        for case in due:
            actual = class_at_age(case, said.get(case.decision_id, ()), self._truths.of(case.automation))
            if actual is None and not case.looked:
                store.drop(self._tx, case.decision_id)
                continue
            floors, key = self._floors(case, mature=True), (case.automation, proven_arm(case.arm))
            (alone,) = standings([(case.decision_id, floors.whole / case.propensity)], self._usual_of(case)).values()
            newest[key] = store.age(self._tx, case, actual, floors, alone)
        self._advance(newest)
        return len(due) == AT_ONCE

    def _advance(self, newest: Mapping[tuple[str, str], int]) -> None:
        for (automation, arm), position in sorted(newest.items()):
            store.advance_arm(self._tx, automation, arm, position)

    def _verdict(self, case: OpenCase, actual: str | None) -> int | None:
        """Note a verdict as soon as it is known. Return its position; None if nothing is new."""
        if actual is None:
            return None
        floors = self._floors(case, mature=False)
        return store.put_verdict(self._tx, case, actual, floors, self._now) if floors.whole and floors.part else None

    def _choose(self, due: Sequence[OpenCase]) -> None:
        """Choose the case that stands for each subject in each interval, when the first of its cases is due."""
        clusters: dict[tuple[str, str, bytes, datetime, bool, bool], list[tuple[OpenCase, float | None]]] = defaultdict(
            list
        )
        for case, stands in store.clusters_of(self._tx, due):
            if case.subject is not None:
                key = case.automation, proven_arm(case.arm), case.subject, case.since, case.gated, case.complete
                clusters[key].append((case, stands))
        chosen: dict[UUID, ClusterStanding] = {}
        for cluster in clusters.values():
            left = [case for case, stands in cluster if stands is None]
            if len(left) < len(cluster):  # those that came later are not chosen again
                chosen.update({case.decision_id: ClusterStanding(0.0, 0.0) for case in left})
            elif left:
                odds = [(case.decision_id, self._floors(case, mature=True).whole / case.propensity) for case in left]
                chosen.update(standings(odds, self._usual_of(left[0])))
        store.weigh(self._tx, chosen)

    def _usual_of(self, case: OpenCase) -> float:
        """Return the largest usual sum of odds of a subject, by the intervals before that of the case."""
        if case.subject is None:
            return 1.0
        key = case.automation, proven_arm(case.arm), case.since
        if key not in self._usual:
            self._usual[key] = usual_sum(store.stood_before(self._tx, *key, REMEMBERED))
        return self._usual[key]

    def _unknown(self, item: FeedItem, said: Sequence[Label]) -> OpenCase | None:
        """Return the case of a labelled decision that the feed has not noted; None if its label says nothing.

        A label from outside is the only reason to look at a decision. Reviewed and drawn ones are noted by the feed: if
        one comes here first, its case is the same, unless it is too old for the feed.
        """
        record = item.whole()
        automation, truth = record.line.automation, self._truths.of(record.line.automation)
        outside = None
        if not self._truths.is_silent(automation):
            standing = standing_labels(said, truth)
            outside = min((one.probability for source, one in standing.items() if source not in _PEOPLE), default=None)
        case = self._case(item.id, record, outside=outside)
        if case is None or (case.looked and case.due_at <= self._now) or (case.complete and not case.looked):
            return None
        return case

    def _case(self, identifier: UUID, record: WholeRecord, outside: float | None = None) -> OpenCase | None:
        """Return the case of a decision; None if nobody looks at it."""
        line = record.line
        facts = self._lines.facts(self._tx, line.automation, line.automation_version)
        return open_case(
            identifier,
            record,
            facts.segment(record.input),
            facts.age,
            facts.maturity,
            complete=self._is_heard(record),
            outside=outside,
            rules=self._lines.rules(self._tx, line.automation, line.policy_version),
            certain=lambda: self._lines.rulings.ruling(self._tx, record, record.input),
            truth=self._truths.of(line.automation),
        )

    def _change(self, case: OpenCase, before: str | None, actual: str | None) -> None:
        """Change a case that had reached its age: a label was corrected, or had been known by then."""
        if actual == before:
            return
        if actual is None and not case.looked:
            store.drop(self._tx, case.decision_id)
        else:
            store.put_class(self._tx, case.decision_id, actual)
        store.advance_arm(self._tx, case.automation, proven_arm(case.arm), 0, corrections=1)

    def _floors(self, case: OpenCase, *, mature: bool) -> Floors:
        """Return the least probabilities of a look at a decision of that time.

        When silence has become a label (`mature`), the decisions that it covers are looked at without an audit.
        """
        if case.supervised and not case.segment:
            return Floors(1.0, 1.0)
        arm, silent = proven_arm(case.arm), self._truths.is_silent(case.automation)
        slices = self._slices_of(case.automation, arm, case.decided_at.astimezone(UTC).date())
        otherwise = 1.0 if not silent and self._has_outside(case.automation, arm) else 0.0
        if not case.looked and not case.complete:
            otherwise = case.propensity
        by_parts = any(one.segment for one in slices)
        line = [one for one in slices if by_parts or one.gate_revision == case.revision]
        own = [one for one in slices if one.segment == case.segment and one.gate_revision == case.revision]
        unheard = mature and silent
        part = 1.0 if case.supervised else _least(own, otherwise, unheard=unheard)
        whole = _least(line, otherwise, unheard=unheard)
        return Floors(min(whole, case.propensity), min(part, case.propensity))

    def _has_outside(self, automation: str, arm: str) -> bool:
        key = automation, arm
        if key not in self._outside:
            self._outside[key] = store.has_outside_labels(self._tx, automation, arm)
        return self._outside[key]

    def _slices_of(self, automation: str, arm: str, day: date) -> Sequence[store.SliceCount]:
        key = automation, arm, day
        if key not in self._slices:
            self._slices[key] = store.slices_of(self._tx, automation, arm, day)
        return self._slices[key]

    def _is_heard(self, record: FeedRecord) -> bool:
        return self._truths.is_heard(record.line.automation, record.policy.outcome)


def _segments(batch: DecisionBatch, group: FeedGroup, facts: LineFacts) -> Iterator[tuple[GateSegment, bytes]]:
    """Yield the segments of the decisions of a group, with the confidences in each: only those need their inputs."""
    if facts.by is None:
        yield {}, group.confidences
        return
    confidences = {key: group.confidences[8 * at : 8 * at + 8] for at, key in enumerate(group.keys)}
    parts: dict[str, tuple[GateSegment, list[bytes]]] = {}
    for item in batch.items(confidences):
        segment = facts.segment(item.input())
        parts.setdefault(json_of(segment), (segment, []))[1].append(confidences[item.key])
    for segment, some in parts.values():
        yield segment, b"".join(some)


@contextmanager
def _apart(decision: UUID, left_out: list[UUID] | None = None) -> Iterator[None]:
    """Do the work of one decision: a fault of its line's code is logged, and stops no other."""
    try:
        yield
    except Exception as error:
        if is_of_database(error):
            raise
        log.exception("evidence.left_out", decision=str(decision))
        if left_out is not None:
            left_out.append(decision)


def _least(slices: Sequence[store.SliceCount], otherwise: float, *, unheard: bool) -> float:
    """Return the least probability of an audit.

    It is 1 where no decision depended on audits, `otherwise` where audits excluded some.
    """
    each = [one.least_unheard if unheard else one.least_audit for one in slices]
    left = [least for least in each if least is not None]
    if not left:
        return 1.0
    return min(left) if min(left) > 0 else otherwise

"""Counting: a rollout's decisions, shadows and labels become evidence for its guardrails, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from andon import decisions, measures, serving
from andon.authoring import RATE_GUARDRAILS, ServiceLevel
from andon.decisions import DecisionRow, Feed
from andon.kernel.db import Tx
from andon.rollouts import store
from andon.rollouts.declared import slow_us
from andon.rollouts.domain import Rollout
from andon.rollouts.evidence import (
    GuardrailEvent,
    JudgedPair,
    events_of,
    events_of_case,
    events_of_shadow,
    first_of_each,
    judged_pair,
    override_of,
    placed_decision,
)
from andon.rollouts.folding import by_guardrail, count_decisions, fold, fold_pairs
from andon.rollouts.guardrails import WatchedGuardrail, of_measures
from andon.rollouts.measuring import DecisionMeasures, reported
from andon.rollouts.states import GuardrailState
from andon.serving import TrafficSplit
from andon.trials import CaseStanding, labelled

AT_ONCE: Final = 2_000
"""The most decisions of the feed in one transaction."""

LABELS_AT_ONCE: Final = 500
CASES_AT_ONCE: Final = 500

PAIRS: Final = "pairs"
"""The name of the list of units with a judged decision that the candidate saw as a shadow."""

SHADOWS_AT_ONCE: Final = 1_000


class Took(Struct, frozen=True):
    """The result of one look: the candidate's decisions or shadows, whether anything was counted, if there is more."""

    candidate: int = 0
    counted: bool = False
    more: bool = False
    shadowed_to: int = 0


class RolloutCounter:
    """Counts for one rollout. Each worker's object keeps the feed's position in memory; counts are in the database."""

    def __init__(self, rollout: Rollout) -> None:
        self._feed = Feed(rollout.consumer, automations=[rollout.automation])
        self._splits: Mapping[int, TrafficSplit] = {}
        self._measures = DecisionMeasures()

    def count(
        self,
        tx: Tx,
        rollout: Rollout,
        guardrails: Sequence[WatchedGuardrail],
        states: Mapping[str, GuardrailState],
        cases: CaseStanding,
        service: ServiceLevel,
        now: datetime,
    ) -> Took:
        """Add new evidence to the states of the guardrails, and to that of the cases. Raises ConsumerBusy."""
        if rollout.split not in self._splits:
            made = serving.split_history(tx, rollout.automation)
            self._splits = {one.number: one for one in made if one.salt == rollout.salt}
        measured = of_measures(guardrails)
        taken = self._feed.take(tx, AT_ONCE)
        records = [(item, item.read()) for item in taken.items]
        cases.note_draws([record for _, record in records], decisions.truth_of(tx, rollout.automation))
        events: list[GuardrailEvent] = []
        sides = {True: 0, False: 0}
        for item, record in records:
            of = placed_decision(rollout, self._splits, item.id, record)
            if of is not None:
                sides[of.is_candidate] += 1
                events += events_of(item, record, of, slow_us(service))
                events += self._measures.computed(tx, item, of, measured, None)
        for name, state in states.items():
            if name in RATE_GUARDRAILS:
                count_decisions(state, candidate=sides[True], control=sides[False])
        seen, shadowed_to = sides[True], rollout.shadowed_to
        more = len(taken.items) >= AT_ONCE // 2
        if rollout.at.is_shadow:
            shadows, shadowed_to = self._shadows(tx, rollout)
            more = more or len(shadows) >= SHADOWS_AT_ONCE // 2
            for name in ("disagreement", "errors"):
                if name in states:
                    count_decisions(states[name], candidate=len(shadows), control=len(shadows))
            seen = len(shadows)
            events += [event for one in shadows for event in one]
        before = cases.position
        judged, pairs = self._cases(tx, rollout, cases)
        more = more or cases.position != before
        late = judged + self._labels(tx, rollout, measured, now)
        steps = [share for share in rollout.plan.stages if share]
        fresh = _new(tx, rollout, events, alone=rollout.plan.unit == "decision")
        fresh += _new(tx, rollout, late, alone=False)
        grouped = by_guardrail(fresh)
        for guardrail in guardrails:
            fold(guardrail, states[guardrail.name], grouped.get(guardrail.source, ()), steps)
        new_pairs = _new_pairs(tx, rollout, pairs)
        for guardrail in guardrails:
            if guardrail.of_cases and new_pairs:
                fold_pairs(guardrail, states[guardrail.name], new_pairs)
        return Took(seen, bool(taken.items or seen or fresh or cases.position != before), more, shadowed_to)

    def _cases(self, tx: Tx, rollout: Rollout, standing: CaseStanding) -> tuple[list[GuardrailEvent], list[JudgedPair]]:
        """Return what the next cases say: of the arm that decided, and of the candidate as a shadow beside it."""
        some = standing.next_cases(tx, rollout.automation, [rollout.arm, rollout.control], CASES_AT_ONCE)
        ids = [one.decision_id for one in some]
        items = {item.id: item for item in decisions.items_of(tx, ids)}
        beside = serving.said_beside(tx, rollout.arm, ids)
        events: list[GuardrailEvent] = []
        pairs: list[JudgedPair] = []
        for one in (one for one in some if one.decision_id in items):
            unit = one.subject or one.decision_id.bytes
            of = placed_decision(rollout, self._splits, one.decision_id, items[one.decision_id].read())
            if of is not None:
                events += events_of_case(one, replace(of, unit=unit))
            elif one.decision_id in beside:
                pair = judged_pair(one, beside[one.decision_id], unit, standing.floor_of(one))
                pairs += [] if pair is None else [pair]
        return events, pairs

    def _shadows(self, tx: Tx, rollout: Rollout) -> tuple[list[list[GuardrailEvent]], int]:
        """Return the events of unread shadow predictions, and the position after them."""
        said, position = serving.said_after(
            tx, rollout.automation, rollout.arm, rollout.shadowed_to, limit=SHADOWS_AT_ONCE
        )
        rows = decisions.rows_of(tx, [one.decision_id for one in said]) if said else {}
        found = []
        for one in said:
            row = rows.get(one.decision_id)
            if row is not None and row.arm != rollout.arm:
                found.append(events_of_shadow(one, row, _unit(rollout, row)))
        return found, position

    def _labels(self, tx: Tx, rollout: Rollout, measured: Sequence[str], now: datetime) -> list[GuardrailEvent]:
        """Return the evidence of changed labels and reports; immature labels are looked at again at maturity."""
        wanted = store.take_labels(tx, rollout.id, now, LABELS_AT_ONCE)
        if not wanted:
            return []
        items = {item.id: item for item in decisions.items_of(tx, wanted)}
        reports = measures.reported_of(tx, wanted) if measured else {}
        events: list[GuardrailEvent] = []
        later: dict[UUID, datetime] = {}
        for one in labelled(tx, rollout.automation, wanted, now):
            item = items[one.row.id]
            of = placed_decision(rollout, self._splits, item.id, item.read())
            if of is None:
                continue
            if one.due is not None:
                later[item.id] = one.due
            events += override_of(one.row, of, one.verdict)
            if one.label is not None:
                events += self._measures.computed(tx, item, of, measured, one.label)
            events += reported(reports, of, measured)
        store.note_labels_again(tx, rollout.id, later)
        return events


def _unit(rollout: Rollout, row: DecisionRow) -> bytes:
    """Return the unit of a decision that the candidate shadowed."""
    alone = rollout.plan.unit == "decision" or row.subject_hash is None
    return row.id.bytes if alone or row.subject_hash is None else bytes(row.subject_hash)


def _new_pairs(tx: Tx, rollout: Rollout, pairs: Sequence[JudgedPair]) -> list[JudgedPair]:
    """Return the first judged decision of each unit that has none yet."""
    first = list({one.unit: one for one in reversed(pairs)}.values())[::-1]
    new = store.new_units(tx, rollout.id, [(PAIRS, one.unit) for one in first]) if first else set()
    return [one for one in first if (PAIRS, one.unit) in new]


def _new(tx: Tx, rollout: Rollout, events: Sequence[GuardrailEvent], *, alone: bool) -> list[GuardrailEvent]:
    """Return the events of units that were not counted yet. Decisions that are their own units occur only once."""
    if alone or not events:
        return list(events)
    first = first_of_each(events)
    new = store.new_units(tx, rollout.id, [(one.once, one.of.unit) for one in first])
    return [one for one in first if (one.once, one.of.unit) in new]

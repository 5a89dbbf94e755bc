"""Counting: a rollout's decisions, shadows, cases and labels become evidence for its guardrails, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from andon import decisions, labels, measures, serving
from andon.authoring import RATE_GUARDRAILS, ServiceLevel
from andon.decisions import DecisionRow
from andon.kernel.db import Tx
from andon.policies import REVIEW
from andon.rollouts.declared import slow_us
from andon.rollouts.domain import Rollout
from andon.rollouts.evidence import (
    GuardrailEvent,
    JudgedPair,
    differs,
    events_of,
    events_of_case,
    events_of_shadow,
    judged_pair,
    override_of,
    placed_decision,
)
from andon.rollouts.folding import by_guardrail, count_decisions, fold, fold_pairs
from andon.rollouts.guardrails import WatchedGuardrail, of_measures
from andon.rollouts.measuring import computed, reported
from andon.rollouts.states import GuardrailState, PairTally
from andon.trials import CaseStanding, DifferingDecision, TrialCounter, answered, ask, counted_anew
from andon.trials.counting import AT_ONCE, LATE_AT_ONCE

SHADOWS_AT_ONCE: Final = 1_000


class Took(Struct, frozen=True):
    """The result of one look: the candidate's decisions or shadows, whether anything was counted, if there is more."""

    candidate: int = 0
    counted: bool = False
    more: bool = False
    shadowed_to: int = 0


class RolloutCounter(TrialCounter[Rollout]):
    """Counts for one rollout."""

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
        measured, before = of_measures(guardrails), cases.position
        decided = self._decided(tx, rollout, cases)
        events: list[GuardrailEvent] = []
        sides = {True: 0, False: 0}
        for item, record in decided:
            of = placed_decision(rollout, self._splits, item.id, record)
            if of is not None:
                sides[of.is_candidate] += 1
                events += events_of(item, record, of, slow_us(service))
                events += computed(self._measures, tx, item, of, measured, None)
        for name, state in states.items():
            if name in RATE_GUARDRAILS:
                count_decisions(state, candidate=sides[True], control=sides[False])
        seen, shadowed_to, shadows = sides[True], rollout.shadowed_to, list[list[GuardrailEvent]]()
        answers, taken = list[JudgedPair](), 0
        if rollout.at.is_shadow:
            shadows, differing, shadowed_to = self._shadows(tx, rollout)
            if "wrong" in states:
                answers, taken = self._questions(tx, rollout, differing, states["wrong"].pairs, now)
            for name in ("disagreement", "errors"):
                if name in states:
                    count_decisions(states[name], candidate=len(shadows), control=len(shadows))
            seen = len(shadows)
            events += [event for one in shadows for event in one]
        judged, pairs = self._cases(tx, rollout, cases)
        fresh = counted_anew(tx, rollout, events, judged + self._labels(tx, rollout, measured, now))
        grouped, new_pairs = by_guardrail(fresh), counted_anew(tx, rollout, [], [*pairs, *answers])
        steps = [share for share in rollout.plan.stages if share]
        for guardrail in guardrails:
            state = states[guardrail.name]
            fold(guardrail, state, grouped.get(guardrail.source, ()), steps)
            if guardrail.of_cases:
                fold_pairs(guardrail, state, new_pairs, steps)
        is_full = len(decided) >= AT_ONCE // 2 or len(shadows) >= SHADOWS_AT_ONCE // 2
        read = cases.position != before or taken > 0
        return Took(seen, bool(decided or seen or fresh or read), is_full or read, shadowed_to)

    def _shadows(self, tx: Tx, rollout: Rollout) -> tuple[list[list[GuardrailEvent]], list[DecisionRow], int]:
        """Return the events of unread shadow predictions, the decisions where they differ, and the position after."""
        said, position = serving.said_after(
            tx, rollout.automation, rollout.arm, rollout.shadowed_to, limit=SHADOWS_AT_ONCE
        )
        rows = decisions.rows_of(tx, [one.decision_id for one in said]) if said else {}
        found, differing = list[list[GuardrailEvent]](), list[DecisionRow]()
        for one in said:
            row = rows.get(one.decision_id)
            if row is not None and row.arm != rollout.arm:
                found.append(events_of_shadow(one, row, _unit(rollout, row)))
                if differs(one, row):
                    differing.append(row)
        return found, differing, position

    def _questions(
        self, tx: Tx, rollout: Rollout, differing: Sequence[DecisionRow], pairs: PairTally, now: datetime
    ) -> tuple[list[JudgedPair], int]:
        """Ask people about decisions on which the shadow differs. Return what answers say, and how many are due.

        Questions end with the least number of decisions and time of the stage, whatever the answers say.
        """
        plan = rollout.plan
        left, ends = plan.labels - pairs.asked, rollout.stage_at + plan.stage_time
        if left and (rollout.seen < plan.stage_decisions or now < ends):
            in_question, asked = ask(tx, rollout, [_differing(tx, row) for row in differing], left, now)
            pairs.asked += asked
            pairs.waiting += in_question
        taken, due = answered(tx, rollout, now, LATE_AT_ONCE)
        pairs.waiting -= taken
        rows = decisions.rows_of(tx, [one.decision_id for one in due]) if due else {}
        beside = serving.said_beside(tx, rollout.arm, [one.decision_id for one in due]) if due else {}
        found = [
            JudgedPair(key, one.unit, str(beside[key].label), str(rows[key].label), one.actual)
            for one in due
            if (key := one.decision_id) in beside and key in rows
        ]
        return found, taken

    def _cases(self, tx: Tx, rollout: Rollout, standing: CaseStanding) -> tuple[list[GuardrailEvent], list[JudgedPair]]:
        """Return what the next cases say: of the arm that decided, and of the candidate as a shadow beside it."""
        found = self._aged(tx, rollout, standing)
        beside = serving.said_beside(tx, rollout.arm, [one.decision_id for one, _ in found])
        events: list[GuardrailEvent] = []
        pairs: list[JudgedPair] = []
        for one, record in found:
            unit = one.subject or one.decision_id.bytes
            of = placed_decision(rollout, self._splits, one.decision_id, record)
            if of is not None:
                events += events_of_case(one, replace(of, unit=unit))
            elif one.decision_id in beside:
                pair = judged_pair(one, beside[one.decision_id], unit)
                pairs += [] if pair is None else [pair]
        return events, pairs

    def _labels(self, tx: Tx, rollout: Rollout, measured: Sequence[str], now: datetime) -> list[GuardrailEvent]:
        """Return the evidence of changed labels and reports."""
        late = self._late(tx, rollout, now)
        reports = measures.reported_of(tx, [item.id for _, item in late]) if measured and late else {}
        events: list[GuardrailEvent] = []
        for one, item in late:
            of = placed_decision(rollout, self._splits, item.id, item.read())
            if of is not None:
                events += override_of(one.row, of, one.verdict)
                if one.label is not None:
                    events += computed(self._measures, tx, item, of, measured, one.label)
                events += reported(reports, of, measured)
        return events


def _unit(rollout: Rollout, row: DecisionRow) -> bytes:
    """Return the unit of a decision that the candidate shadowed."""
    alone = rollout.unit == "decision" or row.subject_hash is None
    return row.id.bytes if alone or row.subject_hash is None else bytes(row.subject_hash)


def _differing(tx: Tx, row: DecisionRow) -> DifferingDecision:
    """Describe a decision on which a shadow predicts another class, to ask a person about it."""
    unit = row.id.bytes if row.subject_hash is None else bytes(row.subject_hash)
    looked_at = row.outcome == REVIEW or row.audit_drawn
    return DifferingDecision(row.id, unit, labels.classes_of(tx, row), row.correlation_id, looked_at)

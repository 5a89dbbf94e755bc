"""Evidence as values: which decisions are automatic, and decisions that somebody looks at, judged at an age. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from andon.authoring import Truth
from andon.cord import LineState
from andon.decisions import AutomationVersion, DecisionRow, FeedGroup, FeedRecord, declared_audit, declared_truth
from andon.gates import GateSegment
from andon.policies import REVIEW, Ruling

LONGEST_INTERVAL = timedelta(days=1)
"""The longest interval in which the cases of one subject count once."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A decision with a prediction that will be judged at `due_at`, as the ledger describes it.

    `propensity` is the probability with which somebody looks at it. `looked` ones were chosen before anybody knew the
    verdict: by a review or a draw. Others have a label from outside. With `complete`, silence is a label of every
    decision like it. `since` begins the interval in which the cases of its `subject` count once. `predicted` is the
    class on which the line acts: that of the outcome, if it has one. `gated` tells whether the risk gate decides if it
    is automatic: a policy that asks a person at any certainty says nothing about the gate, nor does a rule that asks no
    model.
    """

    decision_id: UUID
    automation: str
    arm: str
    segment: GateSegment
    subject: bytes | None
    since: datetime
    outcome: str
    predicted: str
    confidence: float
    propensity: float
    revision: int
    supervised: bool
    automatic: bool
    audited: bool
    gated: bool
    looked: bool
    complete: bool
    decided_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class AgedCase:
    """A decision that somebody looked at, as it is known when the decision has reached the age of its line.

    `actual` is None where the verdict is still open then, which counts as wrong. `propensity` is the probability with
    which somebody looks at it, `floor` the least with which anybody looks at any decision of the line at that time,
    `part_floor` the same within its segment; both are 0 where some are never looked at. `weight` is 0 where another
    case of the same subject and interval stands for it, and otherwise the factor of the floors by which it stands for
    those. `audited` is true for a blind check. `gated` is false where the policy asks a person at any certainty.
    """

    decision_id: UUID
    automation: str
    arm: str
    segment: GateSegment
    subject: bytes | None
    predicted: str
    actual: str | None
    confidence: float
    propensity: float
    floor: float
    part_floor: float
    weight: float
    automatic: bool
    audited: bool
    gated: bool
    decided_at: datetime

    @property
    def wrong(self) -> bool:
        """Whether the predicted class is not the true one, or nobody has named that by its age."""
        return self.actual != self.predicted


@dataclass(frozen=True, slots=True)
class GateRules:
    """The rules of a policy that decide `before` the gate, alike at any certainty, and those `alone`, without a model.

    `alone` is the owner's own word about a case: no evidence about predictions.
    """

    before: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()


NO_RULES = GateRules()


def is_automatic(one: DecisionRow | FeedRecord) -> bool:
    """Return whether a line decided by itself: certain of a prediction, no person asked, and the line is automatic."""
    if isinstance(one, FeedRecord):
        return one.risk.certain and one.prediction is not None and _alone(one.policy.outcome, one.line_state)
    return one.certain and one.label is not None and _alone(one.outcome, one.line_state)


def is_looked_at(one: FeedGroup) -> bool:
    """Return whether decisions with a prediction have a person look at them: by a review or a draw."""
    if one.label is None or one.line_state is LineState.STOPPED:
        return False
    return one.outcome == REVIEW or (one.audit_drawn and one.automatic)


def _alone(outcome: str, state: LineState) -> bool:
    return outcome != REVIEW and state is LineState.AUTOMATIC


def age_by(version: AutomationVersion) -> timedelta:
    """Return the age at which looked-at decisions of a version count: reviews and audits are due by then."""
    review, audit = version.description.get("review"), declared_audit(version)
    return max(
        timedelta(0) if review is None else timedelta(seconds=review["due_seconds"]),
        timedelta(0) if audit is None else audit.due,
    )


def maturity_by(version: AutomationVersion) -> timedelta:
    """Return the age at which the other decisions of a version count, by silence or labels from outside."""
    truth = declared_truth(version)
    return max(age_by(version), timedelta(0) if truth is None else truth.matures)


def open_case(
    identifier: UUID,
    record: FeedRecord,
    segment: GateSegment,
    age: timedelta,
    maturity: timedelta,
    *,
    complete: bool = False,
    outside: float | None = None,
    rules: GateRules = NO_RULES,
    certain: Callable[[], Ruling | None] = lambda: None,
    truth: Truth | None = None,
) -> OpenCase | None:
    """Return the case of a decision that is looked at; None of one that is not, or without a prediction.

    It counts at the `age`. With `complete`, silence is a label of all decisions like it, and `outside` is the
    probability of a label from outside: these count at `maturity`. `certain` finds the ruling if the gate were reached.
    """
    prediction, drawn = record.prediction, record.draw.drawn and is_automatic(record)
    looked = record.policy.outcome == REVIEW or drawn
    if prediction is None or record.line_state is LineState.STOPPED or not (looked or complete or outside is not None):
        return None
    since = interval_of(record.decided_at, age)
    ripe = record.decided_at + (age if looked else maturity)
    drawn_with = record.draw.probability if drawn else 1.0
    ruling = record.policy if _is_certain(record, record.policy.rule, rules) else certain()
    return OpenCase(
        decision_id=identifier,
        automation=record.line.automation,
        arm=record.line.arm,
        segment=segment,
        subject=None if record.subject is None else bytes.fromhex(record.subject),
        since=since,
        outcome=record.policy.outcome,
        predicted=_acted_on(ruling, prediction.label, truth, rules),
        confidence=prediction.confidence,
        propensity=1.0 if complete else drawn_with if looked else outside or 1.0,
        revision=record.risk.revision,
        supervised=record.line_state is LineState.SUPERVISED,
        automatic=is_automatic(record),
        audited=drawn,
        gated=concerns_gate(record, rules, ruling),
        looked=looked,
        complete=complete,
        decided_at=record.decided_at,
        due_at=since + min(age, LONGEST_INTERVAL) + maturity if complete else ripe,
    )


def concerns_gate(one: FeedRecord | FeedGroup, rules: GateRules = NO_RULES, if_certain: Ruling | None = None) -> bool:
    """Return whether the risk gate decides if a person is asked: not if the policy asks one at any certainty.

    `if_certain` is the ruling if the gate were reached; None if it is not known.
    """
    outcome, rule = (one.policy.outcome, one.policy.rule) if isinstance(one, FeedRecord) else (one.outcome, one.rule)
    if not _is_certain(one, rule, rules):
        if if_certain is None:
            return True
        outcome, rule = if_certain.outcome, if_certain.rule
    return outcome != REVIEW and rule not in rules.alone


def _is_certain(one: FeedRecord | FeedGroup, rule: str, rules: GateRules) -> bool:
    """Return whether the policy ruled as it does where the gate is reached."""
    certain = one.risk.certain if isinstance(one, FeedRecord) else one.certain
    return one.line_state is LineState.AUTOMATIC and (certain or rule in rules.before)


def _acted_on(ruling: Ruling | None, label: str, truth: Truth | None, rules: GateRules) -> str:
    """Return the class on which a line acts: that of the outcome, if the ruling asks a model and it has one."""
    if ruling is None or truth is None or ruling.outcome == REVIEW or ruling.rule in rules.alone:
        return label
    return truth.outcomes.get(ruling.outcome) or label


def interval_of(decided_at: datetime, age: timedelta) -> datetime:
    """Return the beginning of the interval in which the cases of a subject count once: as long as the age, or a day.

    It is over before its first decision reaches the age, so all of its cases are known by then.
    """
    length = min(age, LONGEST_INTERVAL)
    if not length:
        return decided_at
    return decided_at - (decided_at - _EPOCH) % length


def json_of(value: Mapping[str, Any]) -> str:
    """Return a segment, or another mapping, as text that can be a key."""
    return json.dumps(value, sort_keys=True)

"""Evidence as values: which decisions are automatic, and a decision that was looked at, at a fixed age. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from andon.cord import LineState
from andon.decisions import AutomationVersion, DecisionRow, FeedRecord, declared_audit, declared_truth
from andon.gates import GateSegment
from andon.policies import REVIEW


@dataclass(frozen=True, slots=True)
class AgedCase:
    """A decision that somebody looked at, as it is known when the decision has reached the age of its line.

    `actual` is None where the verdict is still open then, which counts as wrong. `propensity` is the probability with
    which somebody looks at it, `floor` the least with which anybody looks at any decision of the line at that time,
    `part_floor` the same within its segment; both are 0 where some are never looked at. `weight` is 0 where another
    case of the same subject and interval stands for it, and otherwise the factor of `floor` by which it stands for
    those. `audited` is true for a blind check. `gated` tells whether the risk gate decided that it is automatic or not:
    a policy that requires a review at any certainty says nothing about the gate.
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
        """Whether the predicted class is not the true one, or nobody has said so by its age."""
        return self.actual != self.predicted


def is_automatic(one: DecisionRow | FeedRecord) -> bool:
    """Return whether a line decided by itself: certain of a prediction, no person asked, and the line is automatic."""
    if isinstance(one, FeedRecord):
        return one.risk.certain and one.prediction is not None and _alone(one.policy.outcome, one.line_state)
    return one.certain and one.label is not None and _alone(one.outcome, one.line_state)


def _alone(outcome: str, state: LineState) -> bool:
    return outcome != REVIEW and state is LineState.AUTOMATIC


def age_by(version: AutomationVersion) -> timedelta:
    """Return the age at which decisions of a version count: reviews and audits are due by then, and labels mature."""
    review, audit, truth = version.description.get("review"), declared_audit(version), declared_truth(version)
    return max(
        timedelta(0) if review is None else timedelta(seconds=review["due_seconds"]),
        timedelta(0) if audit is None else audit.due,
        timedelta(0) if truth is None else truth.matures,
    )

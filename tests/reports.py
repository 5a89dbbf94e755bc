"""The report of a decider on a batch."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from andon.decisions import BatchReport, Decision, DecisionRequest, Fallback, Judgement, LineRef, ModelRef, Risk, Stages
from andon.policies import Ruling
from andon.serving import Assignment, Chosen

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def a_decision(
    outcome: str = "release",
    *,
    version: int = 3,
    error: str | None = None,
    began_ns: int = 0,
    traced: str | None = None,
    assignment: Assignment | None = None,
    fallback: Fallback | None = None,
) -> Decision:
    """Return a decision of the automation payments by a version of fraud-risk."""
    ref = LineRef("payments", 1, ModelRef("fraud-risk", version, "digest"), "policy")
    request = DecisionRequest(UUID(int=1), "payments", b"{}", {}, "bank", "c-1", NOW, began_ns, traceparent=traced)
    ruling = Ruling(outcome=outcome, rule="safe", reasons=(), error=error)
    judgement = Judgement(None, Risk(False, 0.5, 1.0), ruling, fallback)
    return Decision(request, ref, {}, judgement, NOW, Stages(), assignment or Assignment(version, Chosen.SPLIT, 0))


def a_report(
    decisions: Sequence[Decision],
    *,
    version: int = 3,
    queue: float = 0.004,
    whole: float = 0.009,
    fallbacks: Mapping[str, int] | None = None,
) -> BatchReport:
    """One batch: 1 ms of features, 2 of predicting, half a one of rules, 1.5 of recording."""
    return BatchReport(
        automation="payments",
        model="fraud-risk",
        version=version,
        judgements=[decision.judgement for decision in decisions],
        queue=[queue] * len(decisions),
        whole=[whole] * len(decisions),
        features=0.001,
        predict=0.002,
        policy=0.0005,
        record=0.0015,
        cpu_us=2500,
        began_ns=1_000_000,
        ended_ns=6_000_000,
        fallbacks=fallbacks or {},
        traced=[decision for decision in decisions if decision.request.traceparent is not None],
    )

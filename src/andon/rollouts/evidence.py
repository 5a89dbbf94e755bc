"""Evidence: the events by which a decision, shadow or label counts for or against a candidate. Pure.

A unit (an account, or a single decision) counts once for each guardrail, by its first event, against the candidate's
share at that moment, because later events depend on the first. The share is that of the split named in the decision, so
no clocks are compared.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from msgspec import Struct

from andon.cord import LineState
from andon.decisions import DecisionRow, FeedItem, FeedRecord
from andon.evidence import is_automatic
from andon.labels import Label, LabelSource
from andon.policies import ERROR, REVIEW
from andon.rollouts.domain import Rollout
from andon.rollouts.guardrails import LATENCY
from andon.serving import Chosen, ShadowPrediction, TrafficSplit

FIRST = "first"
"""The name of the list with the first decision of each unit."""

FIRST_KNOWN = "/first"
"""The suffix of names of lists with the first decision of each unit that has a known label or verdict."""

_EVEN = 0.5


class PlacedDecision(Struct, frozen=True, gc=False):
    """A decision placed by a rollout's split: its unit, its side, and the candidate's share at that time."""

    id: UUID
    unit: bytes
    is_candidate: bool
    share: float


class GuardrailEvent(Struct, frozen=True, gc=False):
    """One value for one guardrail. `once` names the list in which each unit occurs once."""

    guardrail: str
    once: str
    of: PlacedDecision
    value: float


class JudgedPair(Struct, frozen=True, gc=False):
    """A decision judged by a person, and the wrong automatic side: the shadow (1), the champion (-1), or neither.

    `probability` is that of anybody looking at the decision.
    """

    id: UUID
    unit: bytes
    worse: int
    probability: float


def placed_decision(
    rollout: Rollout, splits: Mapping[int, TrafficSplit], key: UUID, record: FeedRecord
) -> PlacedDecision | None:
    """Return a decision's place in the rollout's split; None without one, or before its candidate had traffic."""
    assignment = record.assignment
    if assignment is None or assignment.chosen is not Chosen.SPLIT or assignment.bucket is None:
        return None
    split = splits.get(assignment.split)
    if split is None or split.salt != rollout.salt:
        return None
    share = split.shares.get(rollout.candidate, 0.0) / 100
    if not 0.0 < share < 1.0:
        return None
    unit = key.bytes if rollout.plan.unit == "decision" or record.subject is None else bytes.fromhex(record.subject)
    return PlacedDecision(key, unit, assignment.candidate == rollout.candidate, share)


def failed(record: FeedRecord) -> bool:
    """Return whether the intended version failed to answer."""
    return record.fallback is not None or record.policy.rule == ERROR


def events_of(item: FeedItem, record: FeedRecord, of: PlacedDecision, slow_us: float) -> list[GuardrailEvent]:
    """Return the events of one decision by itself."""
    found = []
    has_failed, is_slow = failed(record), item.latency_us > slow_us
    if has_failed:
        found.append(GuardrailEvent("errors", "errors", of, 1.0))
    if is_slow:
        found.append(GuardrailEvent("slow", "slow", of, 1.0))
    found.append(GuardrailEvent("errors", FIRST, of, float(has_failed)))
    found.append(GuardrailEvent("slow", FIRST, of, float(is_slow)))
    found.append(GuardrailEvent(LATENCY, FIRST, of, item.latency_us / 1e6))
    if record.prediction is not None:
        found.append(GuardrailEvent("expected-error", FIRST, of, 1.0 - record.prediction.confidence))
    if of.share == _EVEN:  # the side with less traffic has smaller batches, in which a decision costs more
        cpu_ms = record.stages_us.cpu / max(record.stages_us.batch, 1) / 1000
        found.append(GuardrailEvent("cost", FIRST, of, cpu_ms))
    return found


def is_first(event: GuardrailEvent) -> bool:
    """Return whether an event is of the first decision of its unit, with or without a problem."""
    return event.once == FIRST or event.once.endswith(FIRST_KNOWN)


def events_of_shadow(said: ShadowPrediction, row: DecisionRow, unit: bytes) -> list[GuardrailEvent]:
    """Return a shadow's events next to the champion's decision on the same input: both had an even chance."""
    if row.line_state is not LineState.AUTOMATIC:
        return []
    champion_failed, shadow_failed = row.rule == ERROR, said.error is not None
    found = []
    if champion_failed != shadow_failed:
        side = PlacedDecision(row.id, unit, shadow_failed, _EVEN)
        found.append(GuardrailEvent("errors", "errors", side, 1.0))
    if not champion_failed:
        differs = said.outcome != row.outcome
        of = PlacedDecision(row.id, unit, True, _EVEN)
        found.append(GuardrailEvent("disagreement", "disagreement", of, float(differs)))
    return found


def events_of_label(
    row: DecisionRow, of: PlacedDecision, *, verdict: str | None, label: str | None
) -> list[GuardrailEvent]:
    """Return the known events of a decision, from a reviewer's class and from any other class that counts as true."""
    found = []
    if verdict is not None and row.label is not None:
        found += _known("overrides", of, happened=verdict != row.label)
    if label is None or row.label is None or row.confidence is None:
        return found
    if is_automatic(row):
        found += _known("wrong", of, happened=label != row.label)
    right = float(label == row.label)
    found.append(GuardrailEvent("calibration", "calibration", of, (row.confidence - right) ** 2))
    return found


def _known(guardrail: str, of: PlacedDecision, *, happened: bool) -> list[GuardrailEvent]:
    first = GuardrailEvent(guardrail, f"{guardrail}{FIRST_KNOWN}", of, float(happened))
    return [GuardrailEvent(guardrail, guardrail, of, 1.0), first] if happened else [first]


def judged_pair(row: DecisionRow, said: ShadowPrediction, unit: bytes, label: Label) -> JudgedPair | None:
    """Return a person's judgement of the champion and its shadow; None unless all decisions like this are looked at.

    All decisions that went to a person are looked at, automatic ones by blind audits. Other labels are selective.
    """
    asked = row.outcome == REVIEW and label.source is LabelSource.REVIEW
    audited = is_automatic(row) and label.source is LabelSource.BLIND_AUDIT
    if row.line_state is not LineState.AUTOMATIC or said.error is not None or not (asked or audited):
        return None
    champion = is_automatic(row) and label.value != row.label
    shadow = said.outcome != REVIEW and label.value != said.label
    return JudgedPair(row.id, unit, int(shadow) - int(champion), label.probability)


def first_of_each(events: Iterable[GuardrailEvent]) -> list[GuardrailEvent]:
    """Keep the events of the first decision of each unit in each list."""
    first: dict[tuple[str, bytes], UUID] = {}
    return [one for one in events if first.setdefault((one.once, one.of.unit), one.of.id) == one.of.id]

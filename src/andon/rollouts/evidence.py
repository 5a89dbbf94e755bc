"""Evidence: the events by which a decision, shadow or label counts for or against a candidate. Pure.

A unit (an account, or a single decision) counts once for each guardrail, by its first event, against the candidate's
share at that moment, because later events depend on the first. The share is that of the split named in the decision, so
no clocks are compared.
"""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct

from andon.cord import LineState
from andon.decisions import DecisionRow, FeedItem, FeedRecord
from andon.evidence import AgedCase
from andon.policies import ERROR
from andon.rollouts.domain import Rollout
from andon.rollouts.guardrails import LATENCY
from andon.serving import ShadowPrediction, TrafficSplit
from andon.trials import CASES, split_of, unit_of

FIRST = "first"
"""The name of the list with the first decision of each unit."""

FIRST_KNOWN = "/first"
"""The suffix of names of lists with the first decision of each unit that has a verdict."""

EVEN = 0.5
"""The share of a candidate that sees the same decisions as the champion."""


class PlacedDecision(Struct, frozen=True, gc=False):
    """A decision placed by a rollout's split: its unit, its side, and the candidate's share at that time."""

    id: UUID
    unit: bytes
    is_candidate: bool
    share: float


class GuardrailEvent(Struct, frozen=True, gc=False):
    """One value for one guardrail. `once` names the list in which each unit occurs once.

    Where a verdict is still open, `value` is the one that speaks least for harm, and `sound` the one that speaks least
    for the candidate; otherwise both are the same.
    """

    guardrail: str
    once: str
    of: PlacedDecision
    value: float
    sound: float | None = None

    @property
    def for_sound(self) -> float:
        """The value in tests that the candidate is good enough."""
        return self.value if self.sound is None else self.sound


class JudgedPair(Struct, frozen=True, gc=False):
    """A decision on which the candidate as a shadow and the champion predicted otherwise, and the class that was true.

    `actual` is None while the verdict is open.
    """

    id: UUID
    unit: bytes
    candidate: str
    champion: str
    actual: str | None
    once: str = "pairs"

    @property
    def of(self) -> "JudgedPair":
        """What is counted once: its unit."""
        return self

    @property
    def right(self) -> str:
        """Which side was right: `candidate`, `champion` or `neither`; `open` while nobody knows."""
        if self.actual is None:
            return "open"
        sides = {self.candidate: "candidate", self.champion: "champion"}
        return sides.get(self.actual, "neither")


def placed_decision(
    rollout: Rollout, splits: Mapping[int, TrafficSplit], key: UUID, record: FeedRecord
) -> PlacedDecision | None:
    """Return a decision's place in the rollout's split; None without one, or before its candidate had traffic."""
    split, assignment = split_of(rollout, splits, record), record.assignment
    share = 0.0 if split is None else split.shares.get(rollout.candidate, 0.0) / 100
    if assignment is None or not 0.0 < share < 1.0:
        return None
    return PlacedDecision(key, unit_of(rollout, key, record), assignment.candidate == rollout.candidate, share)


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
    if of.share == EVEN:  # the side with less traffic has smaller batches, in which a decision costs more
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
        side = PlacedDecision(row.id, unit, shadow_failed, EVEN)
        found.append(GuardrailEvent("errors", "errors", side, 1.0))
    if not champion_failed:
        differs = said.outcome != row.outcome
        of = PlacedDecision(row.id, unit, True, EVEN)
        found.append(GuardrailEvent("disagreement", "disagreement", of, float(differs)))
    return found


def differs(said: ShadowPrediction, row: DecisionRow) -> bool:
    """Return whether a shadow predicted another class than the champion, which decided by itself or asked a person."""
    return row.line_state is LineState.AUTOMATIC and None not in (said.label, row.label) and said.label != row.label


def events_of_case(case: AgedCase, of: PlacedDecision) -> list[GuardrailEvent]:
    """Return the events of a case: whether the prediction was wrong, and the squared error of its confidence.

    While the verdict is open, each test gets the value that speaks least for its own conclusion.
    """
    possible = (True, False) if case.actual is None else (case.actual == case.predicted,)
    found = []
    for name, values in (
        ("wrong", sorted(float(not right) for right in possible)),
        ("calibration", sorted((case.confidence - right) ** 2 for right in possible)),
    ):
        harm, sound = (values[0], values[-1]) if of.is_candidate else (values[-1], values[0])
        found.append(GuardrailEvent(name, CASES, of, harm, sound))
    return found


def override_of(row: DecisionRow, of: PlacedDecision, verdict: str | None) -> list[GuardrailEvent]:
    """Return what a reviewer's class says of a decision: whether it overrides the prediction."""
    if verdict is None or row.label is None:
        return []
    first = GuardrailEvent("overrides", f"overrides{FIRST_KNOWN}", of, float(verdict != row.label))
    return [GuardrailEvent("overrides", "overrides", of, 1.0), first] if first.value else [first]


def judged_pair(case: AgedCase, said: ShadowPrediction, unit: bytes) -> JudgedPair | None:
    """Return what a case says of a shadow beside the champion that decided; None where they predicted the same."""
    if said.label in (None, case.predicted):
        return None
    return JudgedPair(case.decision_id, unit, str(said.label), case.predicted, case.actual)

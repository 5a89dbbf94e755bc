"""Counts of committed decisions: how many by confidence, and how many were automatic under which gate."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from andon.cord import LineState
from andon.decisions import FeedRecord
from andon.evidence.domain import NO_RULES, GateRules, concerns_gate, is_automatic, json_of
from andon.gates import GateSegment
from andon.serving import proven_arm

ASKED = -1
"""The level of decisions that the policy sends to a person however certain the prediction is."""


@dataclass(slots=True)
class TrafficCounts:
    """The counts that a batch of decisions adds to the traffic and to the slices."""

    levels: Counter[tuple[str, str, date, str, str, int]] = field(default_factory=Counter)
    slices: Counter[tuple[str, str, date, str, int, bool]] = field(default_factory=Counter)
    audits: dict[tuple[str, str, date, str, int], float] = field(default_factory=dict)
    unheard: dict[tuple[str, str, date, str, int], float] = field(default_factory=dict)
    segments: dict[str, GateSegment] = field(default_factory=dict)

    def traffic_rows(self) -> Iterable[Mapping[str, Any]]:
        """Return the rows of the traffic, in an order that does not depend on the batch."""
        for (automation, arm, day, segment, predicted, level), decisions in sorted(self.levels.items()):
            yield {
                "automation": automation,
                "arm": arm,
                "day": day,
                "segment": self.segments[segment],
                "predicted": predicted,
                "level": level,
                "decisions": decisions,
            }

    def slice_rows(self) -> Iterable[Mapping[str, Any]]:
        """Return the rows of the slices, in the same order."""
        for key in sorted({key[:5] for key in self.slices}):
            automation, arm, day, segment, revision = key
            automatic = self.slices[*key, True]
            yield {
                "automation": automation,
                "arm": arm,
                "day": day,
                "segment": self.segments[segment],
                "gate_revision": revision,
                "decisions": automatic + self.slices[*key, False],
                "automatic": automatic,
                "least_audit": self.audits.get(key),
                "least_unheard": self.unheard.get(key),
            }


def count(
    items: Sequence[tuple[FeedRecord, GateSegment]],
    thresholds_of: Callable[[FeedRecord], Sequence[float] | None],
    is_heard: Callable[[str, str], bool],
    rules_of: Callable[[FeedRecord], GateRules] = lambda _: NO_RULES,
) -> TrafficCounts:
    """Count decisions with a prediction.

    `thresholds_of` gives the rising thresholds of the model version; None where the line bounds no risk, so that no
    levels are counted. `is_heard` tells, for an automation and an outcome, whether silence is a label. `rules_of` gives
    the rules of the policy as they stand to the gate.
    """
    counts = TrafficCounts()
    for record, segment in items:
        prediction, line = record.prediction, record.line
        if prediction is None or record.line_state is LineState.STOPPED:
            continue
        arm, text, day = proven_arm(line.arm), json_of(segment), record.decided_at.date()
        counts.segments[text] = segment
        thresholds = thresholds_of(record)
        if thresholds is not None:
            level = (
                bisect_right(thresholds, prediction.confidence) if concerns_gate(record, rules_of(record)) else ASKED
            )
            counts.levels[line.automation, arm, day, text, prediction.label, level] += 1
        key, automatic = (line.automation, arm, day, text, record.risk.revision), is_automatic(record)
        counts.slices[*key, automatic] += 1
        if automatic:
            counts.audits[key] = min(counts.audits.get(key, 1.0), record.draw.probability)
            if not is_heard(line.automation, record.policy.outcome):
                counts.unheard[key] = min(counts.unheard.get(key, 1.0), record.draw.probability)
    return counts

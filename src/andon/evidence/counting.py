"""Counts of committed decisions: how many by confidence, and how many were automatic under which gate."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from typing import Any, TypeAlias

import numpy as np

from andon.decisions import FeedGroup
from andon.evidence.domain import NO_RULES, GateRules, concerns_gate, json_of
from andon.gates import GateSegment
from andon.serving import proven_arm

ASKED = -1
"""The level of decisions that the policy sends to a person however certain the prediction is."""

_Day: TypeAlias = tuple[str, str, date, str]
"""Automation, arm, day and segment, as `json_of` writes it."""


@dataclass(slots=True)
class TrafficCounts:
    """The counts that a batch of decisions adds to the traffic and to the slices."""

    levels: Counter[tuple[_Day, str, int]] = field(default_factory=Counter)
    slices: Counter[tuple[_Day, int, bool]] = field(default_factory=Counter)
    audits: dict[tuple[_Day, int], float] = field(default_factory=dict)
    unheard: dict[tuple[_Day, int], float] = field(default_factory=dict)
    _reached: dict[tuple[_Day, str], tuple[Sequence[float], list[bytes]]] = field(default_factory=dict)

    def add(
        self,
        group: FeedGroup,
        segment: GateSegment,
        confidences: bytes,
        *,
        thresholds: Sequence[float] | None,
        heard: bool,
        rules: GateRules = NO_RULES,
    ) -> None:
        """Count decisions of a group that are in a segment; `confidences` has 8 bytes for each.

        `thresholds` are the rising ones of the model version; None where the line bounds no risk, so that no levels are
        counted. `heard` tells whether silence is a label of them. `rules` are those of the policy.
        """
        day = group.automation, proven_arm(group.arm), group.starts_at.astimezone(UTC).date(), json_of(segment)
        count = len(confidences) // 8
        if thresholds is not None and not concerns_gate(group, rules):
            self.levels[day, group.label or "", ASKED] += count
        elif thresholds is not None:
            self._reached.setdefault((day, group.label or ""), (thresholds, []))[1].append(confidences)
        key = day, group.gate_revision
        self.slices[*key, group.automatic] += count
        if group.automatic:
            self.audits[key] = min(self.audits.get(key, 1.0), group.audit_probability)
            if not heard:
                self.unheard[key] = min(self.unheard.get(key, 1.0), group.audit_probability)

    def traffic_rows(self) -> Iterable[Mapping[str, Any]]:
        """Return the rows of the traffic, in an order that does not depend on the batch."""
        levels = Counter(self.levels)
        for (day, predicted), (thresholds, some) in self._reached.items():
            reached = np.searchsorted(thresholds, np.frombuffer(b"".join(some), ">f8"), side="right")
            for level, count in zip(*np.unique(reached, return_counts=True), strict=True):
                levels[day, predicted, int(level)] += int(count)
        for (day, predicted, level), count in sorted(levels.items()):
            yield {**_named(day), "predicted": predicted, "level": level, "decisions": count}

    def slice_rows(self) -> Iterable[Mapping[str, Any]]:
        """Return the rows of the slices, in the same order."""
        for key in sorted({key[:2] for key in self.slices}):
            automatic = self.slices[*key, True]
            yield {
                **_named(key[0]),
                "gate_revision": key[1],
                "decisions": automatic + self.slices[*key, False],
                "automatic": automatic,
                "least_audit": self.audits.get(key),
                "least_unheard": self.unheard.get(key),
            }


def _named(day: _Day) -> dict[str, Any]:
    return dict(zip(("automation", "arm", "day", "segment"), day, strict=True))

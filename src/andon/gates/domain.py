"""Gate revisions: the confidence from which predictions of an arm may be acted on, and the evidence for it. Pure.

Which of them holds at a moment is `holding.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from andon.gates.errors import GateInvalid
from andon.kernel import reasons
from andon.kernel.errors import Fault

GateSegment: TypeAlias = Mapping[str, str | int | float | bool]
"""A part of a line: the inputs whose field has this value. Empty for the whole line."""

NOTHING = 2.0
"""The threshold that no confidence reaches."""


class Origin(StrEnum):
    """Where a revision comes from: the model's own held-out rows, labels of decisions, or a person."""

    HELD_OUT = "held_out"
    LIVE = "live"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class GateRevision:
    """One immutable row: predictions of `arm` with a confidence of at least `threshold` are certain.

    It concerns the inputs of a `segment` and predictions of the class `predicted`; all of them where these are empty.
    `evidence` holds the proof, `automation_version` the version whose declaration it was computed with. From
    `expires_at` on the revision has no effect.
    """

    automation: str
    revision: int
    arm: str
    threshold: float
    target: float
    confidence: float | None
    origin: Origin
    evidence: Mapping[str, Any]
    automation_version: int
    by: str
    reason: str
    at: datetime
    expires_at: datetime | None = None
    segment: GateSegment = field(default_factory=dict)
    predicted: str = ""

    @property
    def sentence(self) -> str:
        """Its evidence, in words."""
        if self.origin is Origin.HELD_OUT and "rows" in self.evidence:
            return self._held_out_sentence()
        return str(self.evidence.get("sentence", self.reason))

    @property
    def source(self) -> str:
        """The rollout or split that it came with; empty for an act of its own."""
        return str(self.evidence.get("source", ""))

    @property
    def where(self) -> str:
        """The part of the line it concerns, in words; empty for the whole line."""
        return shown_part(self.segment, self.predicted)

    def _held_out_sentence(self) -> str:
        if because := self.evidence.get("because"):
            return f"nothing automatic: not proven, since {because}"
        rows, above = self.evidence["rows"], self.evidence.get("rows_above")
        if not above:
            return f"nothing automatic: {rows:,} held-out rows of the model prove no region"
        wrong = self.evidence["errors_above"]
        near = self.evidence.get("rows_near")
        nearby = f"; of the {near:,} nearest to it, {self.evidence['errors_near']:,}" if near else ""
        said = f"of {above:,} held-out rows of the model above the gate, {wrong:,} were wrong"
        alone = self.evidence.get("alone")
        besides = f"; {alone / rows:.0%} more by rules that ask no model" if alone else ""
        return f"{above / rows:.0%} automatic: {said}{nearby}{besides}"

    def holds(self, now: datetime) -> bool:
        """Return whether it has not expired."""
        return self.expires_at is None or now < self.expires_at


def shown_part(segment: GateSegment, predicted: str) -> str:
    """Return a part of a line in words; empty for the whole line."""
    parts = [f"{name} = {value}" for name, value in segment.items()]
    return ", ".join([*parts, *([f"called {predicted}"] if predicted else [])])


def check_narrowing(
    proven: GateRevision | None, threshold: float, reason: str, now: datetime, expires_at: datetime | None
) -> None:
    """Raise GateInvalid unless `threshold` is at least the proven one, with a reason and an end in the future."""
    faults = reasons.faults_of(reason)
    if proven is None:
        faults.append(Fault("arm", "This arm has no gate yet: it never answered for this automation"))
    elif not proven.threshold <= threshold:
        faults.append(
            Fault("threshold", f"Expected at least {proven.threshold:g}: a lower confidence is not proven to be safe")
        )
    if not 0 <= threshold <= NOTHING:
        faults.append(Fault("threshold", f"Expected a confidence from 0 to 1, or {NOTHING:g} for nothing automatic"))
    if expires_at is not None and expires_at <= now:
        faults.append(Fault("expires_at", "Expected a time in the future"))
    if faults:
        raise GateInvalid(faults=faults)

"""Gate revisions: from which confidence an arm's predictions may be acted on, since when, and on which evidence. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from andon.gates.errors import GateInvalid
from andon.kernel import reasons
from andon.kernel.errors import Fault


class Origin(StrEnum):
    """Where a revision comes from: the model's own held-out rows, or a person."""

    HELD_OUT = "held_out"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class GateRevision:
    """One immutable row: predictions of `arm` with a confidence of at least `threshold` are certain.

    `evidence` says what proves it, `automation_version` with which declaration it was computed. From `expires_at` on the
    revision has no effect.
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

    def holds(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires_at is None or now < self.expires_at


def in_force(revisions: Sequence[GateRevision], now: datetime) -> GateRevision | None:
    """The newest revision that has not expired; None if there is none."""
    living = [revision for revision in revisions if revision.holds(now)]
    return max(living, key=lambda revision: revision.revision, default=None)


def check_narrowing(
    proven: GateRevision | None, threshold: float, reason: str, now: datetime, expires_at: datetime | None
) -> None:
    """Raise GateInvalid unless `threshold` lets through no more than is proven, for a reason and until a later moment."""
    faults = reasons.faults_of(reason)
    if proven is None:
        faults.append(Fault("arm", "This arm has no gate yet: it never answered for this automation"))
    elif not proven.threshold <= threshold:
        faults.append(
            Fault("threshold", f"Expected at least {proven.threshold:g}: a lower confidence is not proven to be safe")
        )
    if not 0 <= threshold <= _NOTHING:
        faults.append(Fault("threshold", f"Expected a confidence from 0 to 1, or {_NOTHING:g} for nothing automatic"))
    if expires_at is not None and expires_at <= now:
        faults.append(Fault("expires_at", "Expected a moment in the future"))
    if faults:
        raise GateInvalid(faults=faults)


_NOTHING = 2.0
"""The threshold that no confidence reaches."""

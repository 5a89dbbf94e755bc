"""Labels as values: a statement about the class of a decision, with its author, source, and the time it became known.

Which of a decision's labels counts is `validity.py`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from andon.kernel.errors import Fault
from andon.labels.errors import LabelInvalid

VALUE_LIMIT = 200
LEAST_PROBABILITY = 1e-9
"""Below this a single label would weigh more than all others."""

CLOCKS_DIFFER = timedelta(minutes=5)
"""A sender's clock may be fast by this much; what it says lies in the future is then known now."""


class LabelSource(StrEnum):
    """Where a label comes from."""

    REVIEW = "review"
    EVENT = "event"
    BLIND_AUDIT = "blind_audit"
    IMPORT = "import"
    FOLDER_MOVE = "folder_move"


@dataclass(frozen=True, slots=True)
class Label:
    """The statement of one source about the class of one decision. Immutable: a correction is a further label.

    `value` is the class. It is None where the class of `said` is undefined, as with a verdict of an automation that
    declares no truth. `probability` is the one with which anybody looked at the decision at all. `corrects` is the
    label that this one replaces, for the `reason` given.
    """

    id: UUID
    decision_id: UUID
    automation: str
    said: str
    value: str | None
    source: LabelSource
    probability: float
    by: str
    known_at: datetime
    recorded_at: datetime
    corrects: UUID | None = None
    reason: str | None = None

    @property
    def weight(self) -> float:
        """How many decisions this label speaks for: one over the probability."""
        return 1 / self.probability


def class_of(said: str | bool | float, known: Sequence[str], *, where: str = "value") -> str:
    """Return a class as text. Raises LabelInvalid, which names the field `where`, if it is none of the known ones."""
    text = value_of(said)
    if text not in known:
        raise invalid(where, f"No class {text!r} is known here; there are: {', '.join(known)}")
    return text


def value_of(said: str | bool | float) -> str:
    """Write a class as text, spelled as models spell theirs: `true`, `12.5`, `fraud`. Raises LabelInvalid."""
    text = said.strip() if isinstance(said, str) else _written(said)
    if not text or len(text) > VALUE_LIMIT or not text.isprintable():
        raise invalid("value", f"A label's value, as written, has 1 to {VALUE_LIMIT} printable characters")
    return text


def checked_probability(probability: float) -> float:
    """Return the probability. Raises LabelInvalid if it is none with which somebody could have looked."""
    if not LEAST_PROBABILITY <= probability <= 1:
        raise invalid("probability", f"Expected a probability from {LEAST_PROBABILITY} to 1, got {probability}")
    return float(probability)


def known_when(known_at: datetime | None, now: datetime) -> datetime:
    """Return when something became known; now if that is not given. Raises LabelInvalid for the future."""
    if known_at is None:
        return now
    if known_at > now + CLOCKS_DIFFER:
        raise invalid(
            "known_at", f"Nothing can have become known at {known_at:%Y-%m-%d %H:%M:%S} UTC: that is in the future"
        )
    return min(known_at, now)


def invalid(where: str, message: str) -> LabelInvalid:
    """Make the error for one part of a label."""
    return LabelInvalid(message, faults=[Fault(where, message)])


def _written(said: bool | float) -> str:
    """Write a whole number with all of its digits, whichever type it comes in. Raises LabelInvalid."""
    if isinstance(said, bool):
        return "true" if said else "false"
    if not isinstance(said, int):
        if not math.isfinite(said):
            raise invalid("value", "A label's value is a finite number")
        if not float(said).is_integer():
            return repr(float(said))
    whole = int(said)
    if abs(whole) >= 10**VALUE_LIMIT:  # nor could Python write any number of digits
        raise invalid("value", f"A label's value has at most {VALUE_LIMIT} digits")
    return str(whole)

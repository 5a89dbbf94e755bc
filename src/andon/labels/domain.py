"""What a label is, and how a business system's word for the truth is written."""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from andon.labels.errors import LabelInvalid

VALUE_LIMIT = 200


class LabelSource(StrEnum):
    """Where the truth comes from."""

    REVIEW = "review"
    EVENT = "event"
    BLIND_AUDIT = "blind_audit"


@dataclass(frozen=True, slots=True)
class Label:
    """What turned out to be true of one decision. `weight` is one over how likely it was that anybody looked."""

    id: UUID
    decision_id: UUID
    automation: str
    value: str
    source: LabelSource
    weight: float
    by: str
    recorded_at: datetime


def value_of(said: str | bool | float) -> str:
    """A label's value as text: `true`, `12.5`, `chargeback`. Raises LabelInvalid."""
    text = said.strip() if isinstance(said, str) else _written(said)
    if not text or len(text) > VALUE_LIMIT or not text.isprintable():
        raise LabelInvalid(f"A label's value has, as it is written, 1 to {VALUE_LIMIT} printable characters")
    return text


def _written(said: bool | float) -> str:
    """A whole number has all of its digits, whichever type it comes in. Raises LabelInvalid."""
    if isinstance(said, bool):
        return "true" if said else "false"
    if not isinstance(said, int):
        if not math.isfinite(said):
            raise LabelInvalid("A label's value is a finite number")
        if not float(said).is_integer():
            return repr(float(said))
    whole = int(said)
    if abs(whole) >= 10**VALUE_LIMIT:  # nor could Python write any number of digits
        raise LabelInvalid(f"A label's value has at most {VALUE_LIMIT} digits")
    return str(whole)

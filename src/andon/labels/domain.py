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
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, str):
        text = said.strip()
        if not text or len(text) > VALUE_LIMIT or not text.isprintable():
            raise LabelInvalid(f"A label's value is a text of 1 to {VALUE_LIMIT} printable characters")
        return text
    if not math.isfinite(said):
        raise LabelInvalid("A label's value is a finite number")
    return str(int(said)) if float(said).is_integer() else repr(float(said))

"""Recorded decisions as a replay reads them: typed, each with its input as it was sent."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import DecodeError, Raw, ValidationError, convert
from msgspec.json import Decoder
from pydantic_core import to_json

from andon.decisions.domain import Judgement
from andon.decisions.feed_item import FeedRecord
from andon.decisions.record import decode
from andon.decisions.seeing import FEATURE_FAILED


class RecordedDecision(FeedRecord, frozen=True, gc=False, kw_only=True):
    """A decision as its record tells it. `input` is JSON text."""

    id: UUID
    input: Raw

    @property
    def judgement(self) -> Judgement:
        """What was judged."""
        return Judgement(self.prediction, self.risk, self.policy, self.fallback, self.line_state)

    @property
    def feature_error(self) -> str | None:
        """The reason why its features could not be computed; None if they could."""
        return str(self.policy.error) if FEATURE_FAILED in self.policy.reasons else None


_decode = Decoder(RecordedDecision).decode


def read_recorded(record: bytes) -> RecordedDecision:
    """Read the bytes of a record, of any shape."""
    try:
        return _decode(record)
    except (DecodeError, ValidationError):  # of an input that this reads more strictly
        return recorded_of(decode(record))


def recorded_of(values: Mapping[str, Any]) -> RecordedDecision:
    """Take a record that was read already."""
    return convert({**values, "input": Raw(to_json(values["input"]))}, RecordedDecision)

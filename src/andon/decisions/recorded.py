"""Recorded decisions as a replay reads them: typed, each with its input as it was sent.

A replay reads millions of them. Values that many records share (the line, the gate's answer, the ruling) are parsed
once.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder
from pydantic_core import to_json

from andon.cord import LineState
from andon.decisions.domain import Fallback, Judgement, LineRef, Risk
from andon.decisions.record import decode
from andon.decisions.seeing import FEATURE_FAILED
from andon.policies import Ruling
from andon.serving import Assignment, Prediction

_T = TypeVar("_T")

MOST_SHARED = 4096
"""The most values of one kind that are cached. When there are more, all are dropped."""


class RecordedDecision(Struct, frozen=True, gc=False):
    """A decision as it was recorded. `input` is JSON text."""

    key: str
    input: bytes
    asked_at: datetime
    decided_at: datetime
    features: Mapping[str, Any]
    prediction: Prediction | None
    risk: Risk
    policy: Ruling
    line: LineRef
    assigned: bytes
    fallback: Fallback | None
    happened_at: datetime | None
    arrived_at: datetime | None
    line_state: LineState

    @property
    def id(self) -> UUID:
        """The decision's id."""
        return UUID(self.key)

    @property
    def judgement(self) -> Judgement:
        """The judgement."""
        return Judgement(self.prediction, self.risk, self.policy, self.fallback, self.line_state)

    @property
    def assignment(self) -> Assignment | None:
        """The arm that was to answer, and why; None if that was not recorded."""
        return _assignment(self.assigned) if self.assigned else None

    @property
    def feature_error(self) -> str | None:
        """The reason why its features could not be computed; None if they could."""
        return str(self.policy.error) if FEATURE_FAILED in self.policy.reasons else None


class _Written(Struct, gc=False):
    """A record as it was written, with its shared values not parsed yet."""

    id: str
    input: Raw
    asked_at: datetime
    decided_at: datetime
    features: dict[str, Any]
    prediction: Prediction | None
    risk: Raw
    policy: Raw
    line: Raw
    assignment: Raw = Raw()
    fallback: Fallback | None = None
    happened_at: datetime | None = None
    arrived_at: datetime | None = None
    line_state: LineState = LineState.AUTOMATIC


class _Shared(dict[bytes, _T]):
    """Parsed values by their text."""

    def __init__(self, read: Callable[[bytes], _T]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: bytes) -> _T:
        if len(self) >= MOST_SHARED:
            self.clear()
        value = self[text] = self._read(text)
        return value


_decode = Decoder(_Written).decode
_assignment = Decoder(Assignment).decode


class RecordReader:
    """A reader of records, for one thread at a time."""

    def __init__(self) -> None:
        self._risks = _Shared(Decoder(Risk).decode)
        self._rulings = _Shared(Decoder(Ruling).decode)
        self._lines = _Shared(Decoder(LineRef).decode)

    def read(self, record: bytes) -> RecordedDecision:
        """Read the bytes of a record, of any shape."""
        try:
            return self._typed(_decode(record))
        except (DecodeError, ValidationError):  # this decoder is stricter about inputs than the one that wrote them
            return self.take(decode(record))

    def take(self, values: Mapping[str, Any]) -> RecordedDecision:
        """Take a record that was parsed already."""
        given = to_json(values["input"])
        return self._typed(_decode(to_json({**values, "input": None})), given)

    def _typed(self, written: _Written, given: bytes | None = None) -> RecordedDecision:
        return RecordedDecision(
            written.id,
            bytes(written.input) if given is None else given,
            written.asked_at,
            written.decided_at,
            written.features,
            written.prediction,
            self._risks[bytes(written.risk)],
            self._rulings[bytes(written.policy)],
            self._lines[bytes(written.line)],
            bytes(written.assignment),
            written.fallback,
            written.happened_at,
            written.arrived_at,
            written.line_state,
        )

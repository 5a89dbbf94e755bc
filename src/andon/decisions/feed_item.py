"""One decision as readers of the feed get it: its record as bytes, and typed on demand."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import DecodeError, Struct, convert
from msgspec.json import Decoder

from andon.cord import LineState
from andon.decisions.domain import NOT_DRAWN, Draw, Fallback, LineRef, Risk, Stages
from andon.decisions.record import decode
from andon.policies import Ruling
from andon.serving import Assignment, Prediction

STEP = timedelta(minutes=5)
"""The time steps in which decisions are grouped."""


class FeedRecord(Struct, frozen=True, gc=False):
    """The parts of a decision's record that readers of the feed use, as `shape.py` declares them.

    Fields that older records lack have a default.
    """

    asked_at: datetime
    decided_at: datetime
    caller: str
    correlation_id: str
    features: Mapping[str, Any]
    prediction: Prediction | None
    risk: Risk
    policy: Ruling
    line: LineRef
    assignment: Assignment | None = None
    fallback: Fallback | None = None
    happened_at: datetime | None = None
    arrived_at: datetime | None = None
    line_state: LineState = LineState.AUTOMATIC
    draw: Draw = NOT_DRAWN
    subject: str | None = None
    stages_us: Stages = Stages()


class WholeRecord(FeedRecord, frozen=True, gc=False, kw_only=True):
    """The same with the input as the caller sent it."""

    input: Any

    def row(self) -> dict[str, Any]:
        """Return all values that a model may have received, by name."""
        given = self.input if isinstance(self.input, Mapping) else {}
        return {**given, **self.features}


class _Given(Struct, frozen=True, gc=False):
    input: Any


_record = Decoder(FeedRecord).decode
_whole = Decoder(WholeRecord).decode
_given = Decoder(_Given).decode


class FeedGroup(Struct, frozen=True, gc=False):
    """Decisions of one time step that share all of these values; `ids` holds 16 bytes for each of them.

    They are `automatic` as `andon.evidence.is_automatic` defines it. `band` is that of their latency, as LATENCY_BAND
    divides them. `confidences` holds 8 bytes for each id, a number in network order, which is NaN without a prediction.
    """

    line_state: LineState
    automation: str
    automation_version: int
    arm: str
    model: str
    model_version: int
    policy_version: str
    outcome: str
    rule: str
    label: str | None
    certain: bool
    gate_revision: int
    audit_probability: float
    audit_drawn: bool
    automatic: bool
    starts_at: datetime
    band: int
    ids: bytes
    confidences: bytes

    @property
    def count(self) -> int:
        """The number of decisions."""
        return len(self.ids) // 16

    @property
    def keys(self) -> list[bytes]:
        """The 16 bytes of each id."""
        return [self.ids[at : at + 16] for at in range(0, len(self.ids), 16)]


class FeedItem(Struct, frozen=True, gc=False):
    """One decision, the place of its commit, and its latency. `record` is what the audit log proves."""

    key: bytes
    writer: UUID
    seq: int
    latency_us: int
    record: bytes

    @property
    def id(self) -> UUID:
        """The decision's id."""
        return UUID(bytes=self.key)

    def read(self) -> FeedRecord:
        """Read the record without the input, which is most of it. Keep the result: each call reads it again."""
        try:
            return _record(self.record)
        except DecodeError:  # because of an input that this reads more strictly
            return convert(decode(self.record), FeedRecord)

    def whole(self) -> WholeRecord:
        """Read the record with the input."""
        try:
            return _whole(self.record)
        except DecodeError:
            return convert(decode(self.record), WholeRecord)

    def input(self) -> Any:
        """Read the input as the caller sent it."""
        try:
            return _given(self.record).input
        except DecodeError:
            return decode(self.record)["input"]

"""One decision as readers of the feed get it: its record as bytes, and typed on demand."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import DecodeError, Struct, convert
from msgspec.json import Decoder

from andon.cord import LineState
from andon.decisions.domain import NOT_DRAWN, Draw, Fallback, LineRef, Risk, Stages
from andon.decisions.record import decode
from andon.policies import Ruling
from andon.serving import Assignment, Prediction


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


_record = Decoder(FeedRecord).decode


class FeedGroup(Struct, frozen=True, gc=False):
    """Decisions of one time step that share all of these values; `ids` holds 16 bytes for each of them.

    They are `automatic` as `andon.evidence.is_automatic` defines it. `band` is that of their
    latency, as LATENCY_BAND divides them.
    """

    automation: str
    arm: str
    model: str
    model_version: int
    outcome: str
    rule: str
    label: str | None
    automatic: bool
    starts_at: datetime
    band: int
    ids: bytes

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

    def input(self) -> Any:
        """Read the input as the caller sent it."""
        return decode(self.record)["input"]

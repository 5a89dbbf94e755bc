"""The event door: what was accepted to be decided later is decided here, through the same line as every call."""

from andon.streams.errors import PositionGone, SourceUnavailable, StreamMissing
from andon.streams.intake import Intake
from andon.streams.ports import Arrival, Source

__all__ = ["Arrival", "Intake", "PositionGone", "Source", "SourceUnavailable", "StreamMissing"]

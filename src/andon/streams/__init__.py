"""The event door: what was accepted to be decided later is decided here, through the same line as every call."""

from andon.streams.intake import Intake

__all__ = ["Intake"]

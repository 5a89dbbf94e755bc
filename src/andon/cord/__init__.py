"""The cord: line states, which hold whatever a policy says."""

from andon.cord.domain import LineState

__all__ = ["LineState"]

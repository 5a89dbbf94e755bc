"""The line state: how much a line may decide by itself, whatever its policy says. Pure values."""

from enum import StrEnum


class LineState(StrEnum):
    """Who decides: the policy, a person, or the owner's fallback outcome alone."""

    AUTOMATIC = "automatic"
    SUPERVISED = "supervised"
    STOPPED = "stopped"

    __hash__ = str.__hash__
    """As fast as that of a text, and equal to it: records of a batch are told apart by it."""

"""Errors of streams of events."""

import traceback
from pathlib import Path

from andon.kernel.errors import Conflict, Invalid, NotFound, Unavailable

LONGEST_REASON = 500
"""Characters of what somebody else's code says."""


class SourceUnavailable(Unavailable):
    """The source of events does not answer."""


class StreamMissing(NotFound):
    """There is no such topic, stream, table or folder."""


class PositionGone(Conflict):
    """The source ends before the stored position: it was recreated, or lost messages.

    Seek to where reading should continue.
    """


class StreamNotFound(NotFound):
    """No such stream: no worker has ever read one of this name."""


class DeadEventNotFound(NotFound):
    """No such dead event."""


class EventSettled(Conflict):
    """This event was already sent again or discarded."""


class SeekInvalid(Invalid):
    """A stream cannot continue from there."""


class SourceUnknown(Invalid):
    """No source for this kind of trigger is installed."""


class Poison(Invalid):
    """This event cannot be decided."""


class ReadFailed(Poison):
    """The trigger's function failed with this event."""

    reason = ""
    """More than whoever sent the event may hear of the code behind it."""

    @staticmethod
    def because(error: Exception) -> "ReadFailed":
        """Describe the function's exception and its place, which follows the calling line in the traceback."""
        failed = ReadFailed(f"The trigger's `read` failed with {type(error).__name__}")
        called = traceback.extract_tb(error.__traceback__)[1:]
        at = f" in {called[-1].name} ({Path(called[-1].filename).name}:{called[-1].lineno})" if called else ""
        failed.reason = f"{failed}{at}: {error}"[:LONGEST_REASON]
        return failed


def reason_of(error: Invalid) -> str:
    """Return the reason an event is dead, for those who may see it."""
    return error.reason if isinstance(error, ReadFailed) else str(error)

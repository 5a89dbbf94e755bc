"""What can go wrong with streams of events."""

from andon.kernel.errors import Conflict, NotFound, Unavailable


class SourceUnavailable(Unavailable):
    """The source of events does not answer."""


class StreamMissing(NotFound):
    """There is no such topic, stream, table or folder."""


class PositionGone(Conflict):
    """The source ends before the position that was reached: it was made anew, or lost messages. Seek to where reading is to go on."""

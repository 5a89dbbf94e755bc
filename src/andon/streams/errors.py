"""What can go wrong with streams of events."""

from andon.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class SourceUnavailable(Unavailable):
    """The source of events does not answer."""


class StreamMissing(NotFound):
    """There is no such topic, stream, table or folder."""


class PositionGone(Conflict):
    """The source ends before the position that was reached: it was made anew, or lost messages. Seek to where reading is to go on."""


class StreamNotFound(NotFound):
    """No such stream: no worker ever read one of this name."""


class DeadEventNotFound(NotFound):
    """No such dead event."""


class EventSettled(Conflict):
    """This event was sent again or discarded already."""


class SeekInvalid(Invalid):
    """A stream cannot go on there."""


class SourceUnknown(Invalid):
    """Nothing here reads such a trigger."""


class Poison(Invalid):
    """This event cannot be decided."""

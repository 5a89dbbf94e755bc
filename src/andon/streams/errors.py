"""What can go wrong with streams of events."""

from andon.kernel.errors import NotFound, Unavailable


class SourceUnavailable(Unavailable):
    """The source of events does not answer."""


class StreamMissing(NotFound):
    """There is no such topic, stream, table or folder."""

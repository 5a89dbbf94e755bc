"""A request on the wire's short way, in the place where uvicorn keeps a request that is not answered yet."""


class _NobodyWaits:
    """The event of a request that nobody waits for."""

    def set(self) -> None:
        """Wake nobody."""


_NOBODY_WAITS = _NobodyWaits()


class Hold:
    """All that uvicorn looks at of a request, and what came of its body.

    It holds nothing that holds it, so that it is gone with its answer and leaves no work to the collector.
    """

    __slots__ = ("body", "disconnected", "keep_alive", "message_event", "more_body", "name", "response_complete")

    def __init__(self, name: str) -> None:
        self.name = name
        self.body = b""
        self.more_body = True
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self.message_event = _NOBODY_WAITS

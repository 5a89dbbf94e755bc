"""Held request: a request on the short way, in the place where uvicorn keeps the cycle of a request."""


class _NoEvent:
    """Event without a waiter."""

    def set(self) -> None:
        """Wake nobody."""


_NO_EVENT = _NoEvent()


class HeldRequest:
    """The attributes that uvicorn reads of a request, and its body.

    It refers to nothing that refers back to it, so reference counting frees it with its answer.
    """

    __slots__ = ("automation", "body", "disconnected", "keep_alive", "message_event", "more_body", "response_complete")

    def __init__(self, automation: str) -> None:
        self.automation = automation
        self.body = b""
        self.more_body = True
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self.message_event = _NO_EVENT

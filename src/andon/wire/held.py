"""Held request: a request on the short way, in the place where uvicorn keeps the cycle of a request."""

from msgspec import Struct


class _NoEvent:
    """Event without a waiter."""

    def set(self) -> None:
        """Wake nobody."""


_NO_EVENT = _NoEvent()


class HeldRequest(Struct, gc=False):
    """The attributes that uvicorn reads of a request, and its body. It refers to nothing that refers back to it."""

    automation: str
    more_body: bool = True
    body: bytes = b""
    keep_alive: bool = True
    disconnected: bool = False
    response_complete: bool = False
    message_event: _NoEvent = _NO_EVENT

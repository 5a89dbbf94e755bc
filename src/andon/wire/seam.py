"""Seam between the wire and the application behind it: all that one knows of the other.

The wire owns bytes: connections, bounds, keep-alive, remembered heads, refusals under overload. The application owns
meaning: keys, rates, contracts, decisions. An application without a direct route gets every request as plain ASGI.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias, TypeVar

Reply: TypeAlias = Callable[[int, str, bytes], None]
"""Callback for one answer: status, header lines (each with its line end) and body. It is called exactly once."""

H = TypeVar("H")
"""The application's view of a head. The wire keeps it and gives it back; it never looks inside."""


class Overload(Protocol):
    """The application's load, as far as the wire refuses requests because of it."""

    @property
    def shedding(self) -> bool:
        """Whether the wire refuses every whole request now, without handing it over."""
        ...

    @property
    def crowded(self) -> bool:
        """Whether connections parked with the shedder stay there."""
        ...

    def tally(self, automation: str, times: int) -> None:
        """Count requests that the wire or the shedder refused. The name is as the caller wrote it."""
        ...


class DirectRoute(Protocol[H]):
    """The route that takes whole requests by a call: one call in, one `Reply` out, no task and no ASGI message.

    An ASGI application offers it as its attribute `direct`, which is None while every request needs the ASGI way. The
    attribute is read once for each new connection.
    """

    @property
    def limit(self) -> int:
        """The longest body in bytes that the route takes."""
        ...

    @property
    def overload(self) -> Overload:
        """The load of the process."""
        ...

    def automation_of(self, url: bytes) -> str | None:
        """Name the automation in the address of this route; None for every other address."""
        ...

    def begin(self, automation: str, headers: Mapping[str, str], body: bytes, reply: Reply) -> H | None:
        """Take one whole POST. Return what its head says if the same bytes will say the same next time."""
        ...

    def again(self, head: H, body: bytes, reply: Reply) -> None:
        """Take one more POST whose head has the bytes of an earlier one."""
        ...

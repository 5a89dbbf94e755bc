"""State that all connections of one server share."""

from typing import Any, NamedTuple

from uvicorn.server import ServerState

from andon.wire.parking import Parking

KNOWN_HEADS = 1024
"""Heads remembered at most. The next one clears them all."""


class KnownHead(NamedTuple):
    """A remembered head: its automation, what the application made of it, and the length of the body it announces."""

    automation: str
    head: Any
    body_bytes: int


class WireState(ServerState):
    """uvicorn's state, with whether the server ends, where connections are parked, and cached heads by their bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.draining = False
        self.parking: Parking | None = None
        self.heads: dict[bytes, KnownHead] = {}

    def remember(self, text: bytes, known: KnownHead) -> None:
        """Remember a head by its bytes."""
        if len(self.heads) >= KNOWN_HEADS:
            self.heads.clear()
        self.heads[text] = known

"""The state and behaviour of the card system, without HTTP: sessions, blocks, and the quirks that a seed decides."""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest

REASONS = ("lost", "stolen", "suspected fraud")


@dataclass(frozen=True, slots=True)
class Quirks:
    """How bad the system is today: shares of pages that are slow or fail, and requests until a session expires."""

    slow_share: float = 0.0
    slow_seconds: float = 2.0
    error_share: float = 0.0
    lost_share: float = 0.0
    """The share of blocks that are made, but answered with an error page."""
    session_requests: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A card that was blocked."""

    number: int
    card: str
    reason: str
    reference: str
    by: str


@dataclass
class LegacyBank:
    """The card system. Blocks are never merged: two submits are two blocks."""

    seed: int = 7
    user: str = "robot1"
    password: str = "blue-harbour-42"
    quirks: Quirks = field(default_factory=Quirks)
    known_cards: frozenset[str] | None = None
    """The cards that exist; None means every card of 8 to 19 digits."""

    def __post_init__(self) -> None:
        self.blocks: list[Block] = []
        self.logins = 0
        self._sessions: dict[str, int] = {}
        self._draw = random.Random(self.seed)
        self._lock = threading.Lock()

    def sign_in(self, user: str, password: str) -> str | None:
        """Return a new session, or None if the name or password is wrong."""
        if not (compare_digest(user.encode(), self.user.encode()) and _same(password, self.password)):
            return None
        with self._lock:
            self.logins += 1
            session = f"{self.seed:04x}{self.logins:06d}{self._draw.randrange(16**16):016x}"
            self._sessions[session] = 0
            return session

    def is_signed_in(self, session: str) -> bool:
        """Return whether a session is still valid, and count the request."""
        with self._lock:
            if session not in self._sessions:
                return False
            self._sessions[session] += 1
            most = self.quirks.session_requests
            if most is not None and self._sessions[session] > most:
                del self._sessions[session]
                return False
            return True

    def delay(self) -> float:
        """Return how many seconds the next page takes."""
        with self._lock:
            return self.quirks.slow_seconds if self._draw.random() < self.quirks.slow_share else 0.0

    def fails(self) -> bool:
        """Return whether the next page is an error instead."""
        with self._lock:
            return self._draw.random() < self.quirks.error_share

    def loses_answer(self) -> bool:
        """Return whether the next block is answered with an error although it was made."""
        with self._lock:
            return self._draw.random() < self.quirks.lost_share

    def fault_of(self, form: Mapping[str, str]) -> str | None:
        """Return why the mask refuses the input."""
        card = form.get("card", "").replace(" ", "")
        if not (card.isascii() and card.isdigit() and 8 <= len(card) <= 19):
            return "E017 CARD NUMBER INVALID"
        if self.known_cards is not None and card not in self.known_cards:
            return "E021 CARD NOT FOUND"
        if form.get("reason") not in REASONS:
            return "E044 REASON MISSING"
        return None

    def block(self, form: Mapping[str, str], by: str) -> Block:
        """Block a card. A second call makes a second block."""
        with self._lock:
            made = Block(
                len(self.blocks) + 1,
                form["card"].replace(" ", ""),
                form["reason"],
                form.get("reference", "")[:64],
                by,
            )
            self.blocks.append(made)
            return made

    def with_reference(self, reference: str) -> list[Block]:
        """Return the blocks of a reference."""
        with self._lock:
            return [block for block in self.blocks if block.reference == reference]

    def counts(self) -> dict[str, int]:
        """Return how many blocks each reference has."""
        with self._lock:
            found: dict[str, int] = {}
            for block in self.blocks:
                found[block.reference] = found.get(block.reference, 0) + 1
            return found


def _same(given: str, password: str) -> bool:
    return compare_digest(given.encode(), password.encode())

"""The chain of one process, in memory: the hot path links its leaves here at the cost of one SHA-256."""

from datetime import datetime
from uuid import UUID

from andon.audit.domain import NO_HASH, Leaf
from andon.audit.encoding import leaf_hash


class Chain:
    """A new chain; `writer` is an identifier that nobody used before. One transaction at a time may be under way.

    A chain holds entries of one action. The feed of decisions relies on that: it reads a chain if its first entry is
    about decisions.
    """

    __slots__ = ("_hash", "_seq", "writer")

    def __init__(self, writer: UUID) -> None:
        self.writer = writer
        self._seq = 0
        self._hash = NO_HASH

    @property
    def place(self) -> tuple[UUID, int]:
        """The writer and the number of the next leaf."""
        return self.writer, self._seq + 1

    def link(self, *, actor: str, action: str, subject: str, body: bytes, at: datetime) -> Leaf:
        """Return the next leaf. It counts only after `advance`, so after a failed transaction it is linked again."""
        seq, before = self._seq + 1, self._hash
        digest = leaf_hash(self.writer, seq, before, at, actor, action, subject, body)
        return Leaf(self.writer, seq, before, digest, at, actor, action, subject, body)

    def advance(self, leaf: Leaf) -> None:
        """Note that the leaf is committed. If that is unknown, begin a new chain: this one may hold it already."""
        if leaf.seq != self._seq + 1 or leaf.prev_hash != self._hash:
            raise ValueError(f"leaf {leaf.seq} does not follow entry {self._seq} in chain {self.writer}")
        self._seq, self._hash = leaf.seq, leaf.hash

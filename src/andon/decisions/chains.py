"""The audit chains of one ledger writer: one of its decisions, and one of the writes alongside them."""

from uuid import UUID, uuid4

from andon import audit
from andon.decisions.recording import Alongside
from andon.kernel.identity import PLATFORM


class WriterChains:
    """Two chains that end together: if the end of a commit is unknown, neither is used again."""

    def __init__(self) -> None:
        self.decisions = audit.Chain(uuid4())
        self._beside = audit.Chain(uuid4())

    def renew(self) -> UUID:
        """Begin new chains; return the previous writer of the decisions."""
        ended = self.decisions.writer
        self.decisions, self._beside = audit.Chain(uuid4()), audit.Chain(uuid4())
        return ended

    def beside(self, alongside: Alongside) -> audit.Leaf | None:
        """Return the next leaf about a sender's writes, if an entry vouches for them."""
        entry = alongside.entry()
        if entry is None:
            return None
        return self._beside.link(
            actor=PLATFORM.name, action=entry.action, subject=entry.subject, body=entry.body, at=entry.at
        )

    def advance(self, decisions: audit.Leaf | None, beside: audit.Leaf | None) -> None:
        """Note that these leaves are committed."""
        if decisions is not None:
            self.decisions.advance(decisions)
        if beside is not None:
            self._beside.advance(beside)

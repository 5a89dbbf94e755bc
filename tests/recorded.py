"""A decision as the ledger would return it, without a database."""

from uuid import UUID

from andon.decisions import Decision, DecisionRecord, DecisionRow
from andon.decisions.record import digest_of, encode, read
from andon.decisions.shape import COLUMNS
from andon.decisions.shaping import values_of


def recorded_of(decision: Decision) -> DecisionRecord:
    """Return a decision as its written row and record."""
    (written,), salt = encode([decision]), bytes(16)
    row = DecisionRow(*values_of(COLUMNS.values())(decision, decision.request.began_ns + 5_000_000))
    return DecisionRecord(row, UUID(int=1), 1, salt, read(written), digest_of(salt, written).hex())

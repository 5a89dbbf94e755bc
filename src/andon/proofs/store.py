"""All SQL of proofs: the states of provers. Never commits."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from andon.evidence import json_of
from andon.kernel.db import Tx
from andon.proofs.domain import ProvenRegion, SeriesKey

_SAVE = text("""
INSERT INTO proof_states (automation, arm, segment, predicted, bound, state, upto, proof, labelled_at, proven_at)
VALUES (:automation, :arm, CAST(:segment AS jsonb), :predicted, CAST(:bound AS jsonb), CAST(:state AS jsonb), :upto,
    CAST(:proof AS jsonb), :labelled_at, :now)
ON CONFLICT (automation, arm, segment, predicted) DO UPDATE SET bound = excluded.bound, state = excluded.state,
    upto = excluded.upto, proof = excluded.proof, labelled_at = excluded.labelled_at, proven_at = excluded.proven_at
""")


@dataclass(frozen=True, slots=True)
class SavedProof:
    """The saved prover of a series, the last news in it, and its proof at that time."""

    key: SeriesKey
    bound: Mapping[str, Any]
    state: Mapping[str, Any]
    upto: int
    proof: ProvenRegion
    labelled_at: datetime | None
    proven_at: datetime


def saved(tx: Tx, automation: str, arm: str) -> dict[tuple[str, str], SavedProof]:
    """Return the saved provers of an arm, by segment (as JSON) and predicted class."""
    statement = text("SELECT * FROM proof_states WHERE automation = :automation AND arm = :arm")
    found = {}
    for row in tx.execute(statement, {"automation": automation, "arm": arm}):
        key, proof = SeriesKey(row.automation, row.arm, row.segment, row.predicted), ProvenRegion(**row.proof)
        found[key.part] = SavedProof(key, row.bound, row.state, row.upto, proof, row.labelled_at, row.proven_at)
    return found


def save(tx: Tx, one: SavedProof) -> None:
    """Save a prover."""
    tx.execute(
        _SAVE,
        {
            "automation": one.key.automation,
            "arm": one.key.arm,
            "segment": one.key.part[0],
            "predicted": one.key.predicted,
            "bound": json_of(one.bound),
            "state": json_of(one.state),
            "upto": one.upto,
            "proof": json_of(asdict(one.proof)),
            "labelled_at": one.labelled_at,
            "now": one.proven_at,
        },
    )


def forget_states(tx: Tx, automation: str, arm: str) -> None:
    """Forget the provers of an arm."""
    statement = text("DELETE FROM proof_states WHERE automation = :automation AND arm = :arm")
    tx.execute(statement, {"automation": automation, "arm": arm})

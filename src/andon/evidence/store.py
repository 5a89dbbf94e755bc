"""All SQL of the evidence stream. Never commits."""

from collections.abc import Sequence

from sqlalchemy import text

from andon.evidence.domain import AgedCase
from andon.kernel.db import Tx

_NAMES = tuple(AgedCase.__dataclass_fields__)


def position_now(tx: Tx) -> int:
    """Return the newest position that was given to a case."""
    statement = text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM evidence_positions")
    return int(tx.execute(statement).scalar_one())


def cases_after(tx: Tx, automation: str, arms: Sequence[str], position: int, limit: int) -> list[tuple[int, AgedCase]]:
    """Return the cases of these arms after a position, in the order in which they reached their age."""
    statement = text(
        f"SELECT position, {', '.join(_NAMES)} FROM evidence_cases WHERE automation = :automation "
        "AND arm = ANY(:arms) AND position > :position ORDER BY position LIMIT :limit"
    )
    values = {"automation": automation, "arms": list(arms), "position": position, "limit": limit}
    return [(at, AgedCase(*values)) for at, *values in tx.execute(statement, values)]

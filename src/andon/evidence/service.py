"""Reading of the evidence stream."""

from collections.abc import Sequence
from datetime import timedelta

from andon import decisions
from andon.evidence import store
from andon.evidence.domain import AgedCase, age_by
from andon.kernel.db import Tx


def cases_after(tx: Tx, automation: str, arms: Sequence[str], position: int, limit: int) -> list[tuple[int, AgedCase]]:
    """Return the cases of these arms after a position, in the order in which they reached their age.

    Keep the last position and come again with it. A case is never moved; a correction changes it in its place.
    """
    return store.cases_after(tx, automation, arms, position, limit)


def position_now(tx: Tx) -> int:
    """Return the position from which a reader that begins now reads on."""
    return store.position_now(tx)


def age_of(tx: Tx, automation: str) -> timedelta:
    """Return the age at which a decision of the version in force counts. Raises AutomationNotFound."""
    return age_by(decisions.version_in_force(tx, automation) or decisions.newest_version(tx, automation))

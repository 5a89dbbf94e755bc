"""Moments in the options of commands."""

from datetime import datetime

from andon.kernel.errors import Invalid
from andon.kernel.moments import in_utc

FIRST_YEAR, LAST_YEAR = 1000, 8999
"""A window before or after such a moment is a valid moment, too."""


class MomentInvalid(Invalid):
    """A moment is not a time in ISO 8601."""


def moment_of(text: str) -> datetime:
    """Read a moment; without a zone it is UTC. Raises MomentInvalid."""
    try:
        moment = in_utc(datetime.fromisoformat(text))
    except ValueError:
        raise MomentInvalid(f"{text!r} is no moment; write 2026-11-24 or 2026-11-24T12:00:00Z") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise MomentInvalid(f"{text!r} lies too far away; write a moment of the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment

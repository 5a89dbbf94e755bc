"""Times as people and programs give them, in UTC, limited to the years 1 to 9999.

PostgreSQL accepts more years than Python, which could not read them back.
"""

from datetime import UTC, datetime


def in_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC; a time without a zone is UTC. Raises ValueError beyond the years 1 to 9999."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} is outside the years 1 to 9999 in UTC") from None

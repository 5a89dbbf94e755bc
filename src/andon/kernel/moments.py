"""Moments as people and programs give them, in UTC. PostgreSQL takes more years than there are here, and they could not be read again."""

from datetime import UTC, datetime


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC, which is meant where no zone is told. Raises ValueError if it lies beyond the years 1 to 9999 there."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} lies beyond the years 1 to 9999 in UTC") from None

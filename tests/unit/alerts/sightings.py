"""Bad news of tests."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from andon.alerts import BadNews
from andon.monitors import Level

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def bad_news(at: datetime = NOON, **given: Any) -> BadNews:
    """One sighting of drift in one feature."""
    values: dict[str, Any] = {
        "automation": "payments",
        "monitor": "drift",
        "series": "amount",
        "segment": {},
        "level": Level.WARNING,
        "since": at - timedelta(hours=1),
        "message": "amount has moved",
    }
    return BadNews(**values | given)


def an_id(number: int) -> UUID:
    """Return an identifier."""
    return UUID(int=number)

"""Chores of workers for streams."""

from datetime import datetime, timedelta

from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.streams import service


def chores(events: Events) -> list[Chore]:
    """Publish that events are dead; forget old events that arrived by HTTP."""

    def publish_dead(tx: Tx, now: datetime) -> bool:
        return service.publish_dead(tx, events, now) == service.PUBLISHED_AT_ONCE

    def forget_events(tx: Tx, now: datetime) -> bool:
        service.keep_house(tx, now)
        return False

    return [
        Chore("publish_dead_events", timedelta(seconds=1), publish_dead, timedelta(seconds=10)),
        Chore("forget_events", timedelta(minutes=10), forget_events, timedelta(minutes=2)),
    ]

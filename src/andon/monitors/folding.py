"""Folding: old hours become days, which are their sums."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from andon.kernel.db import Tx
from andon.monitors.store import windows as store
from andon.monitors.store.windows import StoredWindow
from andon.monitors.sums import total

HOURS_KEPT = timedelta(days=40)

_AT_ONCE = 500


def fold(tx: Tx, now: datetime) -> bool:
    """Sum old hours into days. Return whether there may be more."""
    hours = store.old_hours(tx, _day(now - HOURS_KEPT), _AT_ONCE)
    days: dict[tuple[str, str, datetime], list[StoredWindow]] = defaultdict(list)
    for one in hours:
        days[one.automation, one.arm, _day(one.starts_at)].append(one)
    whole = []
    for (_, _, day), parts in days.items():
        body = total([one.body for one in parts])
        whole.append(replace(parts[0], starts_at=day, span_hours=24, decisions=body["decisions"], body=body))
    store.delete(tx, hours)
    store.write(tx, whole)
    return bool(hours)


def _day(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

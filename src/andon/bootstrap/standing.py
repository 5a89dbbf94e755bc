"""The workers' chore that compares rows in force with the audit log, and raises an alert for each difference."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from andon import alerts, audit, decisions
from andon.access.vouched import KEYS
from andon.alerts import BadNews
from andon.audit import RowKind
from andon.cord.vouched import LINE_STATES
from andon.gates.vouched import GATES, POINTERS
from andon.kernel.chores import Chore
from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.models.vouched import MODEL_ALIASES, QUARANTINES
from andon.monitors import Level
from andon.serving.vouched import SPLITS

ALTERED = "altered-rows"
"""The name under which rows that differ from the audit log become alerts."""

LOOKED_AT = (KEYS, MODEL_ALIASES, QUARANTINES, SPLITS, GATES, POINTERS, LINE_STATES)
EVERY = timedelta(minutes=1)
_LEASE = timedelta(seconds=30)


def chores(events: Events) -> list[Chore]:
    """Compare the rows that processes load with the audit log. An alert ends when its row is right again."""

    def compare(tx: Tx, now: datetime) -> bool:
        found = [
            _news(kind, key, why, automation, now)
            for kind in LOOKED_AT
            for key, why in audit.doubts(tx, kind).items()
            for automation in _concerned(tx, kind, key)
        ]
        alerts.hold(tx, [news.automation for news in found])
        for news in found:
            alerts.raise_alert(tx, news, events=events, now=now)
        return False

    return [Chore("audit-rows", EVERY, compare, _LEASE)]


def _concerned(tx: Tx, kind: RowKind, key: tuple[str, ...]) -> Iterator[str]:
    """List the automations that a row concerns: a key concerns all, an alias or quarantine those with its model."""
    newest = decisions.newest_versions(tx)
    if kind is KEYS:
        yield from (one.name for one in newest)
    elif kind in (MODEL_ALIASES, QUARANTINES):
        yield from (one.name for one in newest if one.description.get("model") == key[0])
    else:
        yield key[0]


def _news(kind: RowKind, key: tuple[str, ...], why: str, automation: str, now: datetime) -> BadNews:
    name = str(kind.row(*key))
    return BadNews(
        automation=automation,
        monitor=ALTERED,
        series=name,
        segment={},
        level=Level.CRITICAL,
        since=now,
        message=f"{name} in {kind.table} was altered in the database: {why}. Run `andon audit verify`",
        ends_at=now + 3 * EVERY,
    )

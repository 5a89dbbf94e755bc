"""States: observations become the state of each series; each change is published once, in the same transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.monitors.domain import Level, MonitorState, Observation, SeriesKey, SeriesStatus
from andon.monitors.published import MonitorBreached, MonitorRecovered
from andon.monitors.store import states as store
from andon.monitors.store.states import StateRow
from andon.monitors.watching import WatchedAutomation

NOT_WATCHED = "It is no longer watched"


def apply(
    tx: Tx,
    watched: WatchedAutomation,
    observations: Sequence[Observation],
    *,
    events: Events,
    now: datetime,
    monitors: Sequence[str] = (),
) -> list[Observation]:
    """Write observations as states and publish the changes. Return the series that recovered.

    Series of `monitors` that were not observed are dropped, as they are no longer watched.
    """
    store.lock(tx, watched.name)
    standing = {row.key: row for row in store.of(tx, watched.name)}
    written, recovered = [], []
    for one in observations:
        if one.monitor in watched.monitors.off:
            continue
        seen = _levelled(one, watched)
        before = standing.get(seen.key)
        row = _row(watched.name, seen, before, now)
        written.append(row)
        if _is_news(row, before):
            _breached(tx, watched.name, seen, row, events, now)
        elif before is not None and before.state.severity and not row.state.severity:
            _recovered(tx, row, seen.message, events, now)
            recovered.append(seen)
    store.put(tx, written)
    _drop(tx, watched, standing, written, monitors, events, now)
    return recovered


def status_of(row: StateRow) -> SeriesStatus:
    """Return a series as people and pages see it."""
    figures = row.figures
    return SeriesStatus(
        automation=row.automation,
        monitor=row.monitor,
        series=row.series,
        segment=json.loads(row.segment),
        arm=row.arm,
        state=row.state,
        reason=row.reason,
        unit=figures["unit"],
        observed=figures["observed"],
        expected=figures["expected"],
        low=figures["low"],
        high=figures["high"],
        false_alarm=figures["false_alarm"],
        decisions=figures["decisions"],
        since=row.since,
        judged_at=row.judged_at,
        detail=figures["detail"],
        provisional=row.provisional,
    )


def _is_news(row: StateRow, before: StateRow | None) -> bool:
    """Return whether a breach is new, more serious than before, or no longer provisional."""
    if before is None or not before.state.severity:
        return bool(row.state.severity)
    confirmed = before.provisional and not row.provisional and bool(row.state.severity)
    return confirmed or row.state.severity > before.state.severity


def _levelled(one: Observation, watched: WatchedAutomation) -> Observation:
    """Return an observation with the level that its builder set; a provisional breach is a warning at most."""
    level = "warning" if one.provisional else watched.monitors.levels.get(one.monitor)
    if level is None or not one.state.severity:
        return one
    return replace(one, state=MonitorState(level))


def _row(automation: str, one: Observation, before: StateRow | None, now: datetime) -> StateRow:
    """Return the state now: a breach persists while nothing can be concluded, and keeps its start while it lasts."""
    state, provisional = one.state, one.provisional
    if before is not None and before.state.severity:
        if state is MonitorState.SILENT:
            state, provisional = before.state, before.provisional
        provisional = provisional and before.provisional
    lasts = before is not None and (before.state is state or bool(before.state.severity and state.severity))
    if before is not None and lasts:
        since = before.since
    else:
        since = one.since if state.severity and one.since is not None else now
    figures: dict[str, Any] = {
        "unit": one.unit,
        "observed": one.observed,
        "expected": one.expected,
        "low": one.low,
        "high": one.high,
        "false_alarm": one.false_alarm,
        "decisions": one.decisions,
        "detail": dict(one.detail),
    }
    provisional = provisional and bool(state.severity)
    return StateRow(automation, *one.key, state, provisional, one.message, since, now, figures)


def _breached(tx: Tx, automation: str, one: Observation, row: StateRow, events: Events, now: datetime) -> None:
    breach = MonitorBreached(
        automation,
        one.monitor,
        one.series,
        dict(one.segment),
        row.arm,
        Level(row.state.value),
        row.since,
        one.message,
        one.expected,
        one.observed,
        one.unit,
        one.false_alarm,
        one.decisions,
        dict(one.detail),
        provisional=row.provisional,
        at=now,
    )
    events.publish(tx, breach)


def _recovered(tx: Tx, row: StateRow, message: str, events: Events, now: datetime) -> None:
    segment = json.loads(row.segment)
    events.publish(tx, MonitorRecovered(row.automation, row.monitor, row.series, segment, row.arm, message, at=now))


def _drop(
    tx: Tx,
    watched: WatchedAutomation,
    standing: Mapping[SeriesKey, StateRow],
    written: Sequence[StateRow],
    monitors: Sequence[str],
    events: Events,
    now: datetime,
) -> None:
    kept = {row.key for row in written}
    gone = [
        row
        for key, row in standing.items()
        if key not in kept and (row.monitor in monitors or row.monitor in watched.monitors.off)
    ]
    for row in gone:
        if row.state.severity:
            _recovered(tx, row, NOT_WATCHED, events, now)
    store.drop(tx, gone)

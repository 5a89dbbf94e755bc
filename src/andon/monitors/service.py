"""Use cases of monitors: the state of each series, and its values over time."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from andon import spending
from andon.authoring import MONITORS
from andon.kernel.db import Tx
from andon.monitors.domain import MonitorState, SeriesStatus, TrendPoint
from andon.monitors.errors import MonitorNotFound
from andon.monitors.judges.service_level import burn_rate
from andon.monitors.judges.windows import ArmWindow, floor_of, next_end
from andon.monitors.references import References
from andon.monitors.states import status_of
from andon.monitors.store import labels as label_store
from andon.monitors.store import states as state_store
from andon.monitors.store import windows as store
from andon.monitors.store.windows import StoredWindow
from andon.monitors.sums import Sums, total
from andon.monitors.trends import values_of
from andon.monitors.watching import WatchedAutomation, watched

_references = References()

TREND = timedelta(days=14)
"""The default span of a trend."""


def status(tx: Tx, automation: str, now: datetime, monitor: str | None = None) -> list[SeriesStatus]:
    """Return every series of an automation, or of the named monitor: the worst first, the silent last.

    A monitor that was never judged is silent and tells when it will be. Raises AutomationNotFound, MonitorNotFound.
    """
    _require(monitor)
    declared = watched(tx, automation)
    found = [status_of(row) for row in state_store.of(tx, automation)]
    judged = {one.monitor for one in found}
    began = store.first_starts(tx, [automation]).get(automation)
    found += [_unjudged(declared, name, began, now) for name in MONITORS if name not in judged]
    shown = [one for one in found if monitor in (None, one.monitor)]
    return sorted(shown, key=_order)


def trend(
    tx: Tx,
    automation: str,
    monitor: str,
    *,
    now: datetime,
    since: datetime | None = None,
    by: timedelta = timedelta(hours=1),
) -> list[TrendPoint]:
    """Return the values of a monitor, oldest first: one point per arm and hour, or per arm and day if `by` is a day.

    The service level has a point for every hour of the last days with `missed` (a share) and `burn`; the cost has one
    for every day, by currency. Neither belongs to an arm. Raises AutomationNotFound, MonitorNotFound.
    """
    _require(monitor)
    declared = watched(tx, automation)
    begin = floor_of(now - TREND if since is None else since, by)
    if monitor == "service-level":
        return _service_levels(tx, declared, begin, now, by)
    if monitor == "cost":
        return _costs(tx, automation, begin, now)
    labels: dict[tuple[str, datetime], list[Sums]] = defaultdict(list)
    for one in label_store.label_windows(tx, automation, begin, now):
        labels[one.arm, floor_of(one.starts_at, by)].append(one.body)
    points = []
    for (arm, starts_at), own in _grouped(store.windows(tx, automation, begin, now), by).items():
        reference = _references.of(tx, own[0].model, own[0].version)
        hours = max(max(one.span_hours for one in own), by // timedelta(hours=1))
        window = ArmWindow(arm, own[0].model, own[0].version, total([one.body for one in own]), (), reference)
        values = values_of(monitor, window, total(labels.get((arm, starts_at), [])))
        complete = starts_at + timedelta(hours=hours) <= now
        points.append(TrendPoint(starts_at, hours, arm, window.decisions, complete, values))
    return points


def counts(tx: Tx) -> list[tuple[str, str, str, int]]:
    """Return the number of series by automation, monitor and state."""
    return state_store.counts(tx)


def _unjudged(declared: WatchedAutomation, monitor: str, began: datetime | None, now: datetime) -> SeriesStatus:
    span = declared.monitors.window
    if monitor in declared.monitors.off:
        reason = "it is switched off"
    elif monitor == "service-level":
        reason = "no decision was made in the last three days"
    elif began is None:
        reason = "no decision was read yet"
    else:
        reason = f"the first window ends at {next_end(began, span, now):%Y-%m-%d %H:%M} UTC"
    return SeriesStatus(
        automation=declared.name,
        monitor=monitor,
        series="",
        segment={},
        arm="",
        state=MonitorState.SILENT,
        reason=reason,
        unit="",
        observed=None,
        expected=None,
        low=None,
        high=None,
        false_alarm=None,
        decisions=0,
        since=now,
        judged_at=now,
        detail={},
    )


def _service_levels(
    tx: Tx, declared: WatchedAutomation, begin: datetime, now: datetime, by: timedelta
) -> list[TrendPoint]:
    sums: dict[datetime, tuple[int, int]] = {}
    for starts_at, decisions, met in store.slots(tx, declared.name, begin):
        at = floor_of(starts_at, by)
        before = sums.get(at, (0, 0))
        sums[at] = before[0] + decisions, before[1] + met
    share, hours = declared.monitors.service.share, by // timedelta(hours=1)
    return [
        TrendPoint(
            at,
            hours,
            "",
            decisions,
            at + by <= now,
            {"missed": (decisions - met) / decisions if decisions else 0.0, "burn": burn_rate(decisions, met, share)},
        )
        for at, (decisions, met) in sorted(sums.items())
    ]


def _costs(tx: Tx, automation: str, begin: datetime, now: datetime) -> list[TrendPoint]:
    days: dict[datetime, dict[str, tuple[int, int]]] = defaultdict(dict)
    for one in spending.of(tx, automation, begin.date(), now.date()):
        at = datetime.combine(one.day, datetime.min.time(), tzinfo=now.tzinfo)
        cost, decisions = days[at].get(one.currency, (0, 0))
        days[at][one.currency] = cost + one.cost, decisions + one.decisions
    points = []
    for at, currencies in sorted(days.items()):
        values = {name: cost / decisions / 1e9 for name, (cost, decisions) in currencies.items() if decisions}
        count = sum(decisions for _, decisions in currencies.values())
        points.append(TrendPoint(at, 24, "", count, at + timedelta(days=1) <= now, values))
    return points


def _grouped(found: Sequence[StoredWindow], by: timedelta) -> dict[tuple[str, datetime], list[StoredWindow]]:
    groups: dict[tuple[str, datetime], list[StoredWindow]] = defaultdict(list)
    for one in found:
        groups[one.arm, floor_of(one.starts_at, by)].append(one)
    return groups


def _order(one: SeriesStatus) -> tuple[int, bool, int, str]:
    silent = one.state is MonitorState.SILENT
    return -one.state.severity, silent, MONITORS.index(one.monitor), one.series


def _require(monitor: str | None) -> None:
    if monitor is not None and monitor not in MONITORS:
        raise MonitorNotFound(f"There is no monitor {monitor!r}; there are: {', '.join(MONITORS)}")

"""Routes of monitors: the state of each series of an automation, and its values over time."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from andon import monitors
from andon.access import Permission
from andon.gateway.dependencies import Caller, Db, Moment, Now
from andon.monitors import MonitorState, SeriesStatus

router = APIRouter(prefix="/v1/automations", tags=["monitors"])


class SeriesOut(BaseModel):
    """One series of a monitor as it is now. A breach holds until the series is good again, even while it is silent."""

    monitor: str
    series: str = Field(description="A feature, a class, a rule, a tier; empty if there is only one.")
    segment: dict[str, str | int | float | bool] = Field(description="The part of the line; empty for the whole line.")
    arm: str = Field(description="The arm that the series belongs to; empty if it concerns all.")
    state: MonitorState
    provisional: bool = Field(
        description="Whether a breach may be the line's own rhythm, which is not known yet. It pulls no cord."
    )
    reason: str = Field(description="The finding, as a sentence; for a silent series, why there is none.")
    unit: str
    observed: float | None
    expected: float | None
    low: float | None = Field(description="The lower end of a 95% interval of the observed value.")
    high: float | None
    false_alarm: float | None = Field(
        description="Upper bound on the probability of such a value if nothing has changed."
    )
    decisions: int = Field(description="The decisions behind the observed value.")
    since: datetime = Field(description="When the present state began, by the best estimate.")
    judged_at: datetime
    detail: dict[str, Any] = Field(description="Further data that a page shows with it, such as two histograms.")


class MonitorsOut(BaseModel):
    """Every series of an automation, the worst first."""

    automation: str
    series: list[SeriesOut]


class TrendPointOut(BaseModel):
    """The values of a monitor in one window of one arm, by series."""

    starts_at: datetime
    hours: int
    arm: str
    decisions: int
    complete: bool = Field(description="Whether the window has ended.")
    values: dict[str, float]


class MonitorOut(BaseModel):
    """One monitor: its series, and its values over time, oldest first."""

    automation: str
    monitor: str
    series: list[SeriesOut]
    trend: list[TrendPointOut]


@router.get("/{name}/monitors", operation_id="list_monitors")
def index(name: str, caller: Caller, db: Db, now: Now) -> MonitorsOut:
    """List every series of an automation's monitors with its state, the worst first."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        found = monitors.status(tx, name, now)
    return MonitorsOut(automation=name, series=[_shown(one) for one in found])


@router.get("/{name}/monitors/{monitor}", operation_id="get_monitor")
def show(
    name: str,
    monitor: str,
    caller: Caller,
    db: Db,
    now: Now,
    since: Annotated[Moment | None, Query(description="Where the trend begins. Default: two weeks ago.")] = None,
    by: Annotated[Literal["hour", "day"], Query(description="The length of a point's window.")] = "hour",
) -> MonitorOut:
    """Show one monitor, with its values over time."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    span = timedelta(hours=1) if by == "hour" else timedelta(days=1)
    with db.begin() as tx:
        found = monitors.status(tx, name, now, monitor)
        points = monitors.trend(tx, name, monitor, now=now, since=since, by=span)
    trend = [
        TrendPointOut(
            starts_at=one.starts_at,
            hours=one.hours,
            arm=one.arm,
            decisions=one.decisions,
            complete=one.complete,
            values=dict(one.values),
        )
        for one in points
    ]
    return MonitorOut(automation=name, monitor=monitor, series=[_shown(one) for one in found], trend=trend)


def _shown(one: SeriesStatus) -> SeriesOut:
    return SeriesOut(
        monitor=one.monitor,
        series=one.series,
        segment=dict(one.segment),
        arm=one.arm,
        state=one.state,
        provisional=one.provisional,
        reason=one.reason,
        unit=one.unit,
        observed=one.observed,
        expected=one.expected,
        low=one.low,
        high=one.high,
        false_alarm=one.false_alarm,
        decisions=one.decisions,
        since=one.since,
        judged_at=one.judged_at,
        detail=dict(one.detail),
    )

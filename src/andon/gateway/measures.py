"""Routes of measures: the values of an automation's decisions, and reports of them by other systems."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt

from andon import decisions, measures, spending
from andon.access import Permission
from andon.gateway.dependencies import Bus, Caller, Day, Db, Now, ZonedMoment
from andon.measures import Grouping, MeasureReport

router = APIRouter(prefix="/v1", tags=["measures"])

MOST = 5_000
"""Most reports in one call."""


class MeasureReportIn(BaseModel):
    """The value of one decision by one measure. The report that became known last counts."""

    model_config = ConfigDict(extra="forbid")

    decision_id: UUID
    measure: str = Field(max_length=63, description="A measure that the automation declares without a value.")
    value: StrictFloat | StrictInt = Field(description="In the unit of the measure.")
    known_at: ZonedMoment | None = Field(None, description="When it became known, with a time zone. Default: now.")


class MeasuresReportedOut(BaseModel):
    """The results of reports."""

    recorded: int
    repeated: int = Field(description="Reports that match what is already recorded.")


class MeasureOut(BaseModel):
    """The sum of one measure over a group of decisions."""

    measure: str
    unit: str
    group: dict[str, Any] = Field(description="The arm, version, day or segment; empty without `by`.")
    decisions: int = Field(description="All decisions of the group.")
    counted: int = Field(description="Decisions of the group that have a value so far.")
    total: float


class MeasuresOut(BaseModel):
    """The sums of an automation's measures over UTC days."""

    automation: str
    since: date
    until: date
    measures: list[MeasureOut]


@router.get("/automations/{name}/measures", operation_id="get_measures")
def show(
    name: str,
    caller: Caller,
    db: Db,
    now: Now,
    since: Annotated[Day | None, Query(description="First UTC day. Default: 29 days before `until`.")] = None,
    until: Annotated[Day | None, Query(description="Last UTC day. Default: today.")] = None,
    by: Annotated[Grouping | None, Query(description="How the sums are grouped.")] = None,
) -> MeasuresOut:
    """Show the sums of an automation's measures."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    first, last = spending.span(since, until, now.date())
    with db.begin() as tx:
        decisions.newest_version(tx, name)
        found = measures.sums(tx, name, first, last, by)
    shown = [MeasureOut.model_validate(one, from_attributes=True) for one in found]
    return MeasuresOut(automation=name, since=first, until=last, measures=shown)


@router.post("/measures", operation_id="report_measures")
def report(
    reports: Annotated[list[MeasureReportIn], Field(min_length=1, max_length=MOST)],
    caller: Caller,
    db: Db,
    bus: Bus,
    now: Now,
) -> MeasuresReportedOut:
    """Report the values of decisions: all rows are recorded, or none. The same rows again change nothing."""
    caller.require_anywhere(Permission.ADD_LABELS)

    def visible(automation: str) -> bool:
        if not any(caller.may(one, automation) for one in (Permission.ADD_LABELS, Permission.READ_DECISIONS)):
            return False
        caller.require(Permission.ADD_LABELS, automation)
        return True

    given = [MeasureReport(one.decision_id, one.measure, float(one.value), one.known_at) for one in reports]
    with db.begin() as tx:
        done = measures.report(tx, given, actor=caller.actor, events=bus, now=now, visible=visible)
    return MeasuresReportedOut(recorded=done.recorded, repeated=done.repeated)

"""The quality route: the present state of a line, in one answer."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from andon import quality
from andon.access import Permission
from andon.cord import LineState
from andon.gateway.dependencies import Caller, Db, Now
from andon.monitors import Level, MonitorState

router = APIRouter(prefix="/v1/automations", tags=["quality"])


class GateSummary(BaseModel):
    """The gate in force for the line, or for a part of it that has a gate of its own."""

    where: str = Field(description="The part of the line; empty for all of it.")
    arm: str
    revision: int
    threshold: float = Field(description="The confidence from which a prediction is certain; 2 lets nothing through.")
    sentence: str


class MonitorSummary(BaseModel):
    """One monitor: the state and the sentence of its worst series."""

    monitor: str
    state: MonitorState
    sentence: str
    series: int


class AlertSummary(BaseModel):
    """One alert that is not resolved."""

    id: UUID
    level: Level
    monitor: str
    series: str
    segment: dict[str, str | int | float | bool]
    since: datetime
    message: str


class AuditSummary(BaseModel):
    """Blind audits: the share that is drawn (null: none), and how many wait, agreed and disagreed."""

    share: float | None
    waiting: int
    agreed: int
    disagreed: int


class MeasureSummary(BaseModel):
    """The sum of one measure over the last 30 days."""

    measure: str
    unit: str
    total: Decimal
    counted: int


class QualityOut(BaseModel):
    """The present quality of a line. `decisions` and `automatic` are counts of the last 24 hours."""

    automation: str
    version: int
    at: datetime
    state: LineState
    segments: list[dict[str, Any]] = Field(description="Segments that are not automatic, with their state.")
    worst: MonitorState
    headline: str
    decisions: int
    automatic: int
    gates: list[GateSummary]
    forecast: str | None
    monitors: list[MonitorSummary]
    alerts: list[AlertSummary]
    incidents: list[UUID]
    audits: AuditSummary
    measures: list[MeasureSummary]


@router.get("/{name}/quality", operation_id="get_quality")
def show(name: str, caller: Caller, db: Db, now: Now) -> QualityOut:
    """Show how good a line is now: what is automatic and proven, what its monitors see, and what is open."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        found = quality.line_quality(tx, name, now)
    return QualityOut(
        automation=found.automation,
        version=found.version,
        at=found.at,
        state=found.state,
        segments=[
            {"segment": dict(change.segment), "state": change.after} for change in found.changes if change.segment
        ],
        worst=found.worst,
        headline=found.headline,
        decisions=found.decisions,
        automatic=found.automatic,
        gates=[
            GateSummary(
                where=one.where,
                arm=one.key.arm,
                revision=one.in_force.revision,
                threshold=one.in_force.threshold,
                sentence=one.sentence,
            )
            for one in found.gates
        ],
        forecast=found.forecast,
        monitors=[
            MonitorSummary(monitor=one.monitor, state=one.state, sentence=one.sentence, series=len(one.series))
            for one in found.monitors
        ],
        alerts=[
            AlertSummary(
                id=one.id,
                level=one.level,
                monitor=one.monitor,
                series=one.series,
                segment=dict(one.segment),
                since=one.since,
                message=one.message,
            )
            for one in found.alerts
        ],
        incidents=[one.id for one in found.incidents],
        audits=AuditSummary(
            share=found.audits.share,
            waiting=found.audits.waiting,
            agreed=found.audits.agreed,
            disagreed=found.audits.disagreed,
        ),
        measures=[
            MeasureSummary(measure=one.measure, unit=one.unit, total=one.total, counted=one.counted)
            for one in found.measures
        ],
    )

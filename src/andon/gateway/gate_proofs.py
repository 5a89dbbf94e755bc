"""Routes of proofs of a risk gate: the curve of automatic share against risk, and the forecast of more labels."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AliasPath, BaseModel, Field

from andon import decisions, proofs
from andon.access import Permission
from andon.gateway.dependencies import Caller, Db, Now
from andon.proofs import StopReason

router = APIRouter(prefix="/v1/automations", tags=["gates"])

Arm = Annotated[
    str | None,
    Query(
        max_length=200, description="The arm. Default: the champion's arm with the most decisions in the last 14 days."
    ),
]
Value = Annotated[
    str | None, Query(max_length=200, description="A value of the field by which the automation has gates.")
]
Predicted = Annotated[str, Query(max_length=200, description="A predicted class that has a gate of its own.")]


class _OfSeries(BaseModel):
    arm: str = Field(validation_alias=AliasPath("key", "arm"))
    segment: dict[str, str | int | float | bool] = Field(validation_alias=AliasPath("key", "segment"))
    predicted: str = Field(validation_alias=AliasPath("key", "predicted"))


class RiskPointOut(BaseModel):
    """One threshold: the share of decisions above it, their error, and its bound."""

    threshold: float
    share: float
    error: float = Field(description="Estimated error, or mean cost.")
    bound: float = Field(description="Its upper bound, at the declared confidence.")
    labels: int = Field(description="Labels and held-out rows above it.")
    proven: bool
    labels_needed: int | None = Field(
        description="Further labels that would prove it at the error rate so far; null if that is too high."
    )
    local_error: float = Field(description="Estimated error, or mean cost, of the decisions next to the threshold.")
    stopped_by: StopReason | None = Field(
        description="Why it is not proven: its error, or that near its threshold, is too high; it has too few labels; "
        "a narrower region is not proven; or it is narrower than all that are tested. Null if it is proven."
    )
    stop: str = Field(description="The same in words; empty if it is proven.")


class RiskCurveOut(_OfSeries):
    """Automatic share against risk, from narrow to wide."""

    target: float
    declared: float = Field(description="The declared target.")
    confidence: float
    threshold: float | None = Field(description="The threshold proven for the target; null if none is.")
    share: float = Field(description="The share of decisions that it makes automatic.")
    sentence: str
    points: list[RiskPointOut]


class ForecastStepOut(BaseModel):
    """One wider region: the labels that it needs, and the days at the present rate."""

    threshold: float
    share: float
    error: float
    labels_needed: int | None
    labels_a_day: float
    days: float | None


class LooksOut(BaseModel):
    """Reviews and blind audits of the arm in the last 14 days."""

    aged: int = Field(description="Decisions that reached the age at which they count.")
    open: int = Field(description="Those of them without a verdict by then; they count as wrong.")
    waiting: int = Field(description="Decisions that have not reached the age.")
    labels: int = Field(description="Verdicts among the aged ones that concern the gate.")
    counted: int = Field(description="Those that count: one of a subject in each interval.")
    subjects: int = Field(description="The number of different subjects that the verdicts are about.")


class GateForecastOut(_OfSeries):
    """The forecast: labels and days until wider regions are proven."""

    target: float
    confidence: float
    share: float
    error: float
    clean_labels: int = Field(description="Labels that prove the target from scratch if none is wrong.")
    labels_at_error: int | None = Field(description="Labels for even odds at the error rate so far.")
    decisions_a_day: float
    labels_a_day: float
    age_seconds: float = Field(description="The age of a decision at which its review or audit counts.")
    looks: LooksOut
    sentence: str
    looks_sentence: str
    steps: list[ForecastStepOut]


@router.get("/{name}/gates/curve", operation_id="get_gate_curve")
def curve(
    name: str,
    caller: Caller,
    db: Db,
    now: Now,
    target: Annotated[
        float | None, Query(gt=0, description="Another target, to see what the same labels prove for it.")
    ] = None,
    arm: Arm = None,
    value: Value = None,
    predicted: Predicted = "",
) -> RiskCurveOut:
    """Show the curve of automatic share against risk, for the declared target or another one."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        decisions.newest_version(tx, name)
        part = proofs.part_named(tx, name, value, predicted, arm=arm, now=now)
        found = proofs.curve(tx, name, now=now, arm=arm, part=part, target=target)
    return RiskCurveOut.model_validate(found, from_attributes=True)


@router.get("/{name}/gates/forecast", operation_id="forecast_gates")
def forecast(
    name: str, caller: Caller, db: Db, now: Now, arm: Arm = None, value: Value = None, predicted: Predicted = ""
) -> GateForecastOut:
    """Forecast how many labels, and how many days at the present rate, it takes to prove more."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        decisions.newest_version(tx, name)
        part = proofs.part_named(tx, name, value, predicted, arm=arm, now=now)
        found = proofs.forecast(tx, name, now=now, arm=arm, part=part)
    return GateForecastOut.model_validate(found, from_attributes=True)

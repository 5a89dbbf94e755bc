"""Routes of experiments: arms answer side by side until one is shown to be better; people start, stop and adopt."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from andon import decisions, experiments
from andon.access import Permission
from andon.authoring import Automation
from andon.experiments import Experiment, ExperimentForecast, ExperimentState, ExperimentWish
from andon.gateway.dependencies import Bus, Caller, Db, Now, Parts
from andon.gateway.reasons import Reason
from andon.gateway.trials import Number, Step, checks_of
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.models import tried_first
from andon.serving import Candidate

router = APIRouter(prefix="/v1/automations", tags=["experiments"])

ArmText = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,9}(\+[0-9a-f]{12})?$")]


class ExperimentIn(BaseModel):
    """The arms to compare with the line as it is now, the measure, and the reason."""

    model_config = ConfigDict(extra="forbid", strict=True)

    arms: list[ArmText] = Field(
        min_length=1,
        max_length=5,
        description="Model versions such as `8`, or with a published policy, such as `8+3f2a9c01d2e4`.",
    )
    measure: str = Field(
        max_length=63, description="errors, overrides, wrong, automatic, or the name of a business measure."
    )
    better: Literal["lower", "higher"]
    allocation: Literal["fixed", "thompson"] = "fixed"
    unit: Literal["subject", "decision"] | None = None
    shares: dict[ArmText, float] = Field(default_factory=dict, max_length=5, description="Percent of the traffic.")
    most_decisions: int | None = Field(None, ge=1)
    until: Annotated[AwareDatetime | None, Field(strict=False)] = None
    reason: Reason


class EffectForecastOut(BaseModel):
    """Units of all arms, and hours at today's traffic, until a difference is shown; null if no number is enough."""

    effect: float
    units: int | None
    hours: float | None


class ExperimentForecastOut(BaseModel):
    """The number of units that a result needs."""

    sentences: list[str]
    measure: str
    unit: str
    base: float | None = Field(description="The measure now; null if it is unknown.")
    an_hour: float
    effects: list[EffectForecastOut]


class ArmEstimateOut(BaseModel):
    """One arm: its share now, what it decided, and its value with an interval that holds at every look."""

    arm: str
    name: str
    share: float
    decisions: int
    units: int
    open: int = Field(description="Cases whose verdict was still open when their decision reached its age.")
    value: float | None
    low: float | None
    high: float | None


class PairEstimateOut(BaseModel):
    """One arm compared with another: the ratio of rates or the difference of means, and which is shown to be better."""

    arm: str
    beside: str
    value: float | None
    low: float | None
    high: float | None
    better: str | None


class EstimatePointOut(BaseModel):
    """The estimates and shares of all arms at one moment."""

    at: datetime
    seen: int
    values: list[float | None]
    lows: list[float | None]
    highs: list[float | None]
    shares: list[float]


class ExperimentEventOut(BaseModel):
    """One step of an experiment, and the shares from then on."""

    number: int
    at: datetime
    kind: str
    state_before: ExperimentState | None
    state_after: ExperimentState
    shares: list[float]
    by: str
    reason: str
    evidence: dict[str, Any]


class ExperimentOut(BaseModel):
    """One experiment, in short. `why` names the better arm, or the reason why it ended."""

    automation: str
    number: int
    model: str
    arms: list[str]
    measure: str
    better: str
    allocation: str
    unit: str
    most_decisions: int | None
    until: datetime | None
    shares: list[float]
    state: ExperimentState
    seen: int = Field(description="Decisions of all arms.")
    started_by: str
    reason: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    why: str
    winner: str | None


class ExperimentWhole(ExperimentOut):
    """One experiment with its estimates, their path, and its steps."""

    estimates: list[ArmEstimateOut]
    comparisons: list[PairEstimateOut]
    path: list[EstimatePointOut]
    events: list[ExperimentEventOut]


@router.get("/{name}/experiments", operation_id="list_experiments")
def index(name: str, caller: Caller, db: Db, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[ExperimentOut]:
    """List the experiments of an automation, newest first."""
    caller.require(Permission.READ_MODELS, name)
    with db.begin() as tx:
        decisions.require_deployed(tx, name)
        return [ExperimentOut(**experiments.document_of(one)) for one in experiments.page(tx, [name], limit=limit)]


@router.post("/{name}/experiments", status_code=201, operation_id="start_experiment")
@tried_first("gateway")
def start(
    name: str, wanted: ExperimentIn, gateway: Parts, caller: Caller, db: Db, bus: Bus, now: Now
) -> ExperimentWhole:
    """Start an experiment. It ends by itself when one arm is shown to be better than all others."""
    caller.require(Permission.RUN_ROLLOUT, name)
    if any("+" in arm for arm in wanted.arms):
        caller.require(Permission.PUBLISH_POLICY, name)
    automation = gateway.line(name).automation
    with db.begin() as tx:
        started = experiments.start(
            tx,
            _wish(automation, wanted),
            actor=caller.actor,
            reason=wanted.reason,
            events=bus,
            now=now,
            **checks_of(gateway, tx, automation),
        )
        return _whole(tx, started)


@router.post("/{name}/experiments:forecast", operation_id="forecast_experiment")
def forecast(
    name: str, wanted: ExperimentIn, gateway: Parts, caller: Caller, db: Db, now: Now
) -> ExperimentForecastOut:
    """Forecast how many decisions such an experiment needs. Nothing is started."""
    caller.require(Permission.READ_MODELS, name)
    reasons.require(wanted.reason)
    automation = gateway.line(name).automation
    with db.begin() as tx:
        planned = experiments.plan(tx, _wish(automation, wanted), actor=caller.actor, reason=wanted.reason, now=now)
        return _forecast(planned, experiments.forecast(tx, planned, now))


@router.get("/{name}/experiments/{number}", operation_id="get_experiment")
def show(name: str, number: Number, caller: Caller, db: Db) -> ExperimentWhole:
    """Show one experiment with its estimates and steps."""
    caller.require(Permission.READ_MODELS, name)
    with db.begin() as tx:
        return _whole(tx, experiments.show(tx, name, number).experiment)


@router.post("/{name}/experiments/{number}/stop", operation_id="stop_experiment")
def stop(step: Step) -> ExperimentWhole:
    """End an experiment without a result: all traffic goes to the champion."""
    stopped: ExperimentWhole = step.take(Permission.RUN_ROLLOUT, experiments.stop, _whole)
    return stopped


@router.post("/{name}/experiments/{number}/adopt", operation_id="adopt_experiment")
@tried_first("gateway")
def adopt(step: Step, gateway: Parts) -> ExperimentWhole:
    """Make the winner the champion, and put its policy in force."""
    adopted: ExperimentWhole = step.take(Permission.APPROVE_ROLLOUT, experiments.adopt, _whole, gateway)
    return adopted


def _wish(automation: Automation, wanted: ExperimentIn) -> ExperimentWish:
    return ExperimentWish(
        automation.name,
        automation.model,
        [Candidate.parse(one) for one in wanted.arms],
        wanted.measure,
        wanted.better,
        wanted.allocation,
        wanted.unit,
        {Candidate.parse(one): share for one, share in wanted.shares.items()},
        wanted.most_decisions,
        wanted.until,
    )


def _whole(tx: Tx, one: Experiment, now: datetime | None = None) -> ExperimentWhole:
    del now
    counted = experiments.estimates(tx, one)
    return ExperimentWhole(
        **experiments.document_of(one),
        **experiments.document_of_estimates(one, counted),
        path=[EstimatePointOut.model_validate(point, from_attributes=True) for point in counted.path],
        events=[
            ExperimentEventOut(**{name: getattr(event, name) for name in ExperimentEventOut.model_fields})
            for event in experiments.show(tx, one.automation, one.number).events
        ],
    )


def _forecast(planned: Experiment, expected: ExperimentForecast) -> ExperimentForecastOut:
    return ExperimentForecastOut(
        sentences=experiments.forecast_sentences(planned, expected),
        measure=expected.measure,
        unit=expected.unit,
        base=expected.base,
        an_hour=expected.an_hour,
        effects=[EffectForecastOut.model_validate(one, from_attributes=True) for one in expected.effects],
    )

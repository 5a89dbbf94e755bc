"""Routes of rollouts: a candidate takes over an automation stage by stage; people start, steer and end that."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from andon import decisions, rollouts
from andon.access import Permission
from andon.authoring import GUARDRAILS, MOST_LABELS, Automation, DeclarationInvalid, Guardrail
from andon.gateway.dependencies import Bus, Caller, Db, Now, Parts
from andon.gateway.reasons import Reason
from andon.gateway.trials import Number, Step, checks_of
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.models import HIGHEST_NUMBER, tried_first
from andon.rollouts import Rollout, RolloutEvent, RolloutForecast, RolloutState, RolloutWish

router = APIRouter(prefix="/v1/automations", tags=["rollouts"])

_PERCENT = {"exclusiveMinimum": 0, "maximum": 100}


class GuardrailIn(BaseModel):
    """One guardrail that differs from the plan: its margin, and whether promotion waits for it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    margin: float | None = Field(None, gt=0)
    required: bool | None = None
    better: Literal["lower", "higher"] | None = None


class RolloutIn(BaseModel):
    """The candidate, the reason, and the differences from the declared plan. Fields left out stay as declared."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: int | None = Field(None, ge=1, le=HIGHEST_NUMBER, description="The model version. Default: the champion.")
    policy: str | None = Field(
        None, pattern="^[0-9a-f]{12}$", description="A published policy. Default: the one in force."
    )
    gate: float | None = Field(
        None,
        ge=0,
        le=2,
        description="The confidence from which it decides by itself, at least as proven. Default: the one in force.",
    )
    plan: Literal["canary", "shadow", "ab"] | None = None
    steps: list[Annotated[float, Field(json_schema_extra=_PERCENT)]] | None = Field(
        None, max_length=20, description="Rising percentages of the traffic; the last is 100."
    )
    unit: Literal["subject", "decision"] | None = None
    guardrails: dict[str, GuardrailIn] = Field(default_factory=dict, max_length=50)
    off: list[Annotated[str, Field(json_schema_extra={"enum": list(GUARDRAILS)})]] | None = Field(None, max_length=50)
    stage_decisions: int | None = Field(None, ge=1)
    stage_seconds: float | None = Field(None, ge=0, le=31_536_000)
    labels: int | None = Field(
        None,
        ge=0,
        le=MOST_LABELS,
        description="How often people are asked for the class where the shadow predicts another than the champion.",
    )
    reason: Reason


class GuardrailForecastOut(BaseModel):
    """The candidate's decisions, and hours at today's traffic, that one guardrail needs; null if none are enough."""

    guardrail: str
    kind: str = Field(description="rate, mean or quantile.")
    base: float = Field(description="The figure now: how often it happens, a mean, or seconds.")
    now: str = Field(description="The same in words.")
    required: bool
    harm_ratio: float = Field(description="The candidate's figure that `harm` is about, as a multiple of `base`.")
    harm_share: float
    harm_decisions: int | None = Field(description="Decisions until such a candidate is shown to be harmful.")
    harm_hours: float | None
    sound_share: float
    sound_decisions: int | None = Field(
        description="Decisions until an equal one is shown to be good enough for promotion."
    )
    sound_hours: float | None
    hopeless: bool
    proposal: str


class RolloutForecastOut(BaseModel):
    """The time that a rollout takes at today's traffic."""

    sentence: str
    an_hour: float
    hours: float | None
    guardrails: list[GuardrailForecastOut]
    notes: list[str] = Field(description="Guardrails that promotion could wait for, but does not.")


class ArmTallyOut(BaseModel):
    """One side: its decisions, its units that count, and the sum of their values."""

    decisions: int
    units: int
    total: float
    open: int = Field(description="Units whose verdict was still open when their decision reached its age.")


class PairTallyOut(BaseModel):
    """Decisions on which candidate and champion predicted otherwise, by who was right."""

    candidate: int
    champion: int
    neither: int
    open: int = Field(description="Those whose verdict was still open when it was due.")
    asked: int = Field(description="Decisions about which people were asked, as they predicted otherwise.")
    waiting: int = Field(description="Decisions on which they predicted otherwise, whose true class is not due yet.")


class PathPointOut(BaseModel):
    """The evidence at one moment, as natural logarithms: for harm, and for being good enough for the next step."""

    at: datetime
    candidate: int
    control: int
    harm: float
    sound: float


class GuardrailOut(BaseModel):
    """One guardrail: its counts, its evidence and bounds, the path of the evidence, and the decisions behind it."""

    name: str
    kind: str
    what: str
    margin: float
    required: bool
    rolls_back: bool = Field(description="Whether harm ends the rollout; false for one that only informs.")
    figures: str
    candidate: ArmTallyOut
    control: ArmTallyOut
    pairs: PairTallyOut = Field(description="Of what the candidate saw as a shadow; only for `wrong`.")
    harm: float
    harm_bound: float
    harmed: bool
    sound: float
    sound_bound: float
    is_sound: bool
    path: list[PathPointOut]
    evidence: dict[str, list[str]] = Field(description="Ids of decisions, by side, newest last.")


class RolloutEventOut(BaseModel):
    """One step of a rollout."""

    number: int
    at: datetime
    kind: str
    state_before: RolloutState | None
    state_after: RolloutState
    stage_before: int | None
    stage_after: int
    by: str
    reason: str
    evidence: dict[str, Any]


class RolloutOut(BaseModel):
    """One rollout, in short. `why` says what it waits for, or why it ended."""

    automation: str
    number: int
    model: str
    candidate: str
    arm: str
    control: str
    plan: dict[str, Any]
    state: RolloutState
    stage: int
    share: float
    next_share: float | None
    seen: int = Field(description="Decisions of the candidate in this stage.")
    stage_at: datetime
    started_by: str
    reason: str
    created_at: datetime
    approved_by: str | None
    ended_at: datetime | None
    ended_by: str | None
    why: str


class RolloutWhole(RolloutOut):
    """One rollout with its guardrails, its events, and what it still needs."""

    watched_until: datetime | None = Field(
        description="When the candidate loses its traffic, unless a worker renews it; null once it is over."
    )
    guardrails: list[GuardrailOut]
    events: list[RolloutEventOut]
    forecast: RolloutForecastOut | None = Field(description="Null once it is over.")


@router.get("/{name}/rollouts", operation_id="list_rollouts")
def index(name: str, caller: Caller, db: Db, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[RolloutOut]:
    """List the rollouts of an automation, newest first."""
    caller.require(Permission.READ_MODELS, name)
    with db.begin() as tx:
        decisions.require_deployed(tx, name)
        return [RolloutOut(**rollouts.document_of(one)) for one in rollouts.page(tx, [name], limit=limit)]


@router.post("/{name}/rollouts", status_code=201, operation_id="start_rollout")
@tried_first("gateway")
def start(name: str, wanted: RolloutIn, gateway: Parts, caller: Caller, db: Db, bus: Bus, now: Now) -> RolloutWhole:
    """Start a rollout: the candidate is a shadow first, then gets its share of the traffic step by step."""
    caller.require(Permission.RUN_ROLLOUT, name)
    if wanted.policy is not None:
        caller.require(Permission.PUBLISH_POLICY, name)
    if wanted.gate is not None:
        caller.require(Permission.NARROW_GATES, name)
    automation = gateway.line(name).automation
    with db.begin() as tx:
        started = rollouts.start(
            tx,
            _wish(tx, automation, wanted),
            actor=caller.actor,
            reason=wanted.reason,
            events=bus,
            now=now,
            declared=automation,
            **checks_of(gateway, tx, automation),
        )
        return _whole(tx, started, now)


@router.post("/{name}/rollouts:forecast", operation_id="forecast_rollout")
def forecast(name: str, wanted: RolloutIn, gateway: Parts, caller: Caller, db: Db, now: Now) -> RolloutForecastOut:
    """Forecast how long such a rollout takes at today's traffic. Nothing is started."""
    caller.require(Permission.READ_MODELS, name)
    reasons.require(wanted.reason)
    automation = gateway.line(name).automation
    with db.begin() as tx:
        return _forecast(rollouts.forecast(tx, name, _wish(tx, automation, wanted).plan, now))


@router.get("/{name}/rollouts/{number}", operation_id="get_rollout")
def show(name: str, number: Number, caller: Caller, db: Db, now: Now) -> RolloutWhole:
    """Show one rollout with its guardrails and events."""
    caller.require(Permission.READ_MODELS, name)
    with db.begin() as tx:
        return _whole(tx, rollouts.show(tx, name, number).rollout, now)


@router.post("/{name}/rollouts/{number}/pause", operation_id="pause_rollout")
def pause(step: Step) -> RolloutWhole:
    """Pause a rollout at its stage. Harm still ends it."""
    return _moved(step, Permission.RUN_ROLLOUT, rollouts.pause)


@router.post("/{name}/rollouts/{number}/resume", operation_id="resume_rollout")
def resume(step: Step) -> RolloutWhole:
    """Resume a paused rollout."""
    return _moved(step, Permission.RUN_ROLLOUT, rollouts.resume)


@router.post("/{name}/rollouts/{number}/abort", operation_id="abort_rollout")
def abort(step: Step) -> RolloutWhole:
    """End a rollout: all traffic goes to the champion, regardless of the evidence."""
    return _moved(step, Permission.RUN_ROLLOUT, rollouts.abort)


@router.post("/{name}/rollouts/{number}/approve", operation_id="approve_rollout")
def approve(step: Step) -> RolloutWhole:
    """Approve a rollout that waits for approval, so that it begins."""
    return _moved(step, Permission.APPROVE_ROLLOUT, rollouts.approve)


@router.post("/{name}/rollouts/{number}/promote", operation_id="promote_rollout")
def promote(step: Step) -> RolloutWhole:
    """Promote the candidate now, regardless of the evidence."""
    return _moved(step, Permission.APPROVE_ROLLOUT, rollouts.promote)


def _moved(step: Step, permission: Permission, change: Callable[..., Rollout]) -> RolloutWhole:
    moved: RolloutWhole = step.take(permission, change, _whole)
    return moved


def _wish(tx: Tx, automation: Automation, wanted: RolloutIn) -> RolloutWish:
    """Return the wanted rollout: the declared plan with the given differences. Raises RolloutInvalid."""
    try:
        plan = rollouts.adjusted(
            rollouts.plan_of(tx, automation.name),
            kind=wanted.plan,
            steps=wanted.steps,
            unit=wanted.unit,
            off=wanted.off,
            stage_decisions=wanted.stage_decisions,
            labels=wanted.labels,
            stage_time=None if wanted.stage_seconds is None else timedelta(seconds=wanted.stage_seconds),
            guardrails=[_guardrail(key, one) for key, one in wanted.guardrails.items()],
        )
    except DeclarationInvalid as error:
        raise rollouts.RolloutInvalid(str(error)) from error
    return RolloutWish(automation.name, automation.model, wanted.version, wanted.policy or "", plan, wanted.gate)


def _guardrail(name: str, given: GuardrailIn) -> Guardrail:
    return Guardrail(name, given.margin, given.required, given.better or "lower")


def _whole(tx: Tx, one: Rollout, now: datetime) -> RolloutWhole:
    history = rollouts.show(tx, one.automation, one.number)
    return RolloutWhole(
        **rollouts.document_of(one),
        watched_until=rollouts.lease_end(tx, one),
        guardrails=list(map(_standing, rollouts.standings(tx, one))),
        events=[_event(event) for event in history.events],
        forecast=None if one.is_over else _forecast(rollouts.forecast_of(tx, one, now)),
    )


def _standing(one: rollouts.GuardrailStanding) -> GuardrailOut:
    return GuardrailOut.model_validate(rollouts.document_of_standing(one), from_attributes=True)


def _event(one: RolloutEvent) -> RolloutEventOut:
    return RolloutEventOut(**{name: getattr(one, name) for name in RolloutEventOut.model_fields})


def _forecast(one: RolloutForecast) -> RolloutForecastOut:
    return RolloutForecastOut(
        sentence=one.sentence,
        an_hour=one.an_hour,
        hours=one.hours,
        notes=list(one.notes),
        guardrails=[GuardrailForecastOut.model_validate(each, from_attributes=True) for each in one.guardrails],
    )

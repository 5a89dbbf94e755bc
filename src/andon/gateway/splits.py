"""Routes of traffic splits: which candidates answer for an automation, which are shadows, and changing that."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from andon import decisions, models, serving
from andon.access import Permission
from andon.decisions import Line
from andon.gateway.dependencies import Bus, Caller, Db, Moment, Now, Parts
from andon.gateway.endpoints import ready_for
from andon.gateway.reasons import Reason
from andon.kernel.db import Tx
from andon.models import tried_first
from andon.serving import Candidate, TrafficSplit

router = APIRouter(prefix="/v1/automations", tags=["splits"])

_CANDIDATE = r"^[1-9][0-9]{0,9}(\+[0-9a-f]{12})?(~([01](\.[0-9]{1,6})?|2(\.0{1,6})?))?$"
Key = Annotated[str, Field(pattern=_CANDIDATE)]
"""A candidate as text: `8`, or `8+3f2a9c01d2e4` with that published policy; `8~0.93` with a gate of its own."""

_MOST = 20
_DAY = timedelta(days=1)


class ArmOut(BaseModel):
    """A candidate that answers, its present arm, and the percentage of the units for which it answers."""

    candidate: str
    arm: str
    share: float


class SplitOut(BaseModel):
    """One split: the candidates with a share, and the shadows. Number 0 is the initial split, which nobody made."""

    number: int
    model: str
    shares: dict[str, float]
    shadows: list[str]
    set_by: str
    reason: str
    set_at: datetime | None


class TrafficOut(BaseModel):
    """The arms that answer for an automation now. The champion's arm has the share that the split gives to no other."""

    automation: str
    model: str
    champion: int | None
    policy: str
    arms: list[ArmOut]
    shadows: list[str]
    split: SplitOut


class SplitIn(BaseModel):
    """The percentage of traffic for each candidate, the shadows, and the reason. The champion has the rest."""

    model_config = ConfigDict(extra="forbid", strict=True)

    shares: dict[Key, float] = Field(default_factory=dict, max_length=_MOST)
    shadows: list[Key] = Field(default_factory=list, max_length=_MOST)
    reason: Reason


class ShadowOut(BaseModel):
    """The predictions of one arm as a shadow since a moment; means are null without predictions."""

    arm: str
    since: datetime
    count: int
    errors: int
    outcomes: dict[str, int]
    mean_score: float | None
    mean_confidence: float | None


@router.get("/{name}/split", operation_id="get_split")
def show(name: str, gateway: Parts, caller: Caller, db: Db) -> TrafficOut:
    """Show which arms answer for an automation."""
    caller.require(Permission.READ_MODELS, name)
    line = gateway.line(name)
    with db.begin() as tx:
        return _traffic(tx, line)


@router.put("/{name}/split", operation_id="set_split")
@tried_first("gateway")
def set_split(name: str, wanted: SplitIn, gateway: Parts, caller: Caller, db: Db, bus: Bus, now: Now) -> TrafficOut:
    """Split the traffic of an automation. Running gateways follow within a second."""
    caller.require(Permission.SET_SPLIT, name)
    line = gateway.line(name)
    automation = line.automation
    shares = {Candidate.parse(text): share for text, share in wanted.shares.items()}
    shadows = list(map(Candidate.parse, wanted.shadows))
    if any(one.gate is not None for one in (*shares, *shadows)):
        caller.require(Permission.NARROW_GATES, name)
    with db.begin() as tx:
        decisions.require_gates(
            tx, name, automation.model, [*shares, *shadows], declared=automation, events=bus, now=now
        )
        serving.set_split(
            tx,
            name,
            automation.model,
            shares=shares,
            shadows=shadows,
            actor=caller.actor,
            reason=wanted.reason,
            now=now,
            events=bus,
            ready=ready_for([automation], gateway, tx, automation.model),
            suits=lambda policy: decisions.check_policy(automation, policy),
        )
        return _traffic(tx, line)


@router.get("/{name}/splits", operation_id="list_splits")
def history(name: str, caller: Caller, db: Db) -> list[SplitOut]:
    """List every split of an automation, newest first."""
    caller.require(Permission.READ_MODELS, name)
    with db.begin() as tx:
        decisions.require_deployed(tx, name)
        return [split_out(split) for split in serving.split_history(tx, name)]


@router.get("/{name}/shadows/{candidate}", operation_id="get_shadow")
def shadow(
    name: str,
    candidate: Annotated[str, Path(pattern=_CANDIDATE)],
    gateway: Parts,
    caller: Caller,
    db: Db,
    now: Now,
    since: Annotated[Moment | None, Query(description="From this time on. Default: one day ago.")] = None,
) -> ShadowOut:
    """Count what a candidate predicted as a shadow. Without a policy of its own, it has the one in force."""
    caller.require(Permission.READ_MODELS, name)
    line, wanted = gateway.line(name), Candidate.parse(candidate)
    with db.begin() as tx:
        models.get(tx, line.automation.model, wanted.version)
        summary = serving.compare_shadows(tx, name, _arm(line, wanted), since or now - _DAY)
    return ShadowOut.model_validate(summary, from_attributes=True)


def split_out(split: TrafficSplit) -> SplitOut:
    """Return a split as the API shows it."""
    return SplitOut(
        number=split.number,
        model=split.model,
        shares={str(candidate): share for candidate, share in split.shares.items()},
        shadows=list(map(str, split.shadows)),
        set_by=split.set_by,
        reason=split.reason,
        set_at=split.set_at,
    )


def _traffic(tx: Tx, line: Line) -> TrafficOut:
    model = line.automation.model
    champion, split = serving.champion_of(tx, model), serving.split_of(tx, line.automation.name, model)
    return TrafficOut(
        automation=line.automation.name,
        model=model,
        champion=champion,
        policy=line.ref.policy_version,
        arms=[
            ArmOut(candidate=str(candidate), arm=_arm(line, candidate), share=share)
            for candidate, share in split.answering(champion).items()
        ],
        shadows=list(map(str, split.looking_on(champion))),
        split=split_out(split),
    )


def _arm(line: Line, candidate: Candidate) -> str:
    """Return the arm of a candidate under the policy in force."""
    return serving.arm_of(line.automation.model, candidate, in_force=line.ref.policy_version)

"""Routes of plans: compare a posted configuration with what is in force, apply it, list those that were applied."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from andon import plans
from andon.access import Permission, Principal
from andon.gateway.dependencies import Caller, Db, Gateway, Now, Parts
from andon.gateway.errors import NotReady
from andon.gateway.reasons import Reason
from andon.kernel import reasons
from andon.plans import PlannedAct, PlannedChange, Planning, PostedConfiguration

router = APIRouter(prefix="/v1", tags=["plans"])

Texts = dict[Annotated[str, Field(min_length=1, max_length=500)], str]


class ConfigurationIn(BaseModel):
    """The texts of the configuration files by name, and of the policy files that they name by path."""

    model_config = ConfigDict(extra="forbid", strict=True)

    files: Annotated[Texts, Field(min_length=1, max_length=200, description="YAML (or JSON) by the name of the file.")]
    policies: Annotated[Texts, Field(max_length=200, description="Decision tables by the path that names them.")] = {}


class ApplicationIn(ConfigurationIn):
    """The same configuration, the plan made from it, and the reason."""

    plan: dict[str, Any] = Field(description="The answer of `POST /v1/plans`, with the digest of the state before.")
    reason: Reason


class PlannedChangeOut(BaseModel):
    """One value that changes, with text for people, such as the difference between two policies."""

    place: str
    automation: str | None
    before: Any
    after: Any
    detail: list[str]


class AffectedOut(BaseModel):
    """An automation that a plan changes, with its decisions of the last seven days."""

    automation: str
    endpoint: str
    decisions: int
    automatic: int
    shared_with: list[str]


class FlippedOut(BaseModel):
    """The newest decisions of an automation made again as planned."""

    automation: str
    decisions: int
    same: int
    flips: dict[str, int]
    undecidable: int


class ApprovalOut(BaseModel):
    """A permission that a plan needs, and the roles that have it."""

    what: str
    automation: str | None
    roles: list[str]


class HeldOutProofOut(BaseModel):
    """What held-out rows prove: the automatic share of the decisions, their error and its bound; or why nothing is."""

    share: float
    error: float | None
    bound: float | None
    because: str


class ProofChangeOut(BaseModel):
    """What held-out rows prove for an automation before and after the change."""

    automation: str
    confidence: float
    before: HeldOutProofOut | None
    after: HeldOutProofOut


class PlanOut(BaseModel):
    """A plan: what would change, who is affected, what it needs, and the state from which it was made."""

    andon_plan: int
    changes: list[PlannedChangeOut]
    state: dict[str, Any]
    state_digest: str
    made_at: datetime
    made_by: str
    affected: list[AffectedOut]
    flipped: list[FlippedOut]
    approvals: list[ApprovalOut]
    proofs: list[ProofChangeOut]


class ApplicationOut(BaseModel):
    """The changes that were made; none if there was nothing to do."""

    changes: list[PlannedChangeOut]


class AppliedOut(BaseModel):
    """A configuration that was applied, with the changes that the key may see."""

    number: int
    at: datetime
    by: str
    reason: str
    state_digest: str
    changes: list[PlannedChangeOut]


@router.get("/plans", operation_id="list_applied_plans")
def index(caller: Caller, db: Db, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[AppliedOut]:
    """List the configurations that were applied, newest first."""
    caller.require_anywhere(Permission.READ_AUTOMATIONS)
    with db.begin() as tx:
        found = plans.applied_plans(tx, caller, limit=limit)
    return [AppliedOut.model_validate(one, from_attributes=True) for one in found]


@router.post("/plans", operation_id="make_plan")
def plan(wanted: ConfigurationIn, caller: Caller, parts: Parts, now: Now) -> PlanOut:
    """Plan a configuration: what would change, who is affected and what it needs. Nothing is changed.

    The key must be able to read all that the configuration names, and to manage the keys it names.
    """
    caller.require_anywhere(Permission.READ_AUTOMATIONS)
    made = _planning(parts).plan(_posted(wanted), _act(parts, caller, "a plan", now))
    return PlanOut.model_validate(made.document())


@router.post("/plans:apply", operation_id="apply_plan")
def apply(wanted: ApplicationIn, caller: Caller, parts: Parts, now: Now) -> ApplicationOut:
    """Make exactly the planned changes in one transaction. A repeat changes nothing.

    The key needs the permission of each change. If the state has changed since the plan, the answer is 409 with the
    difference.
    """
    caller.require_anywhere(Permission.READ_AUTOMATIONS)
    act = _act(parts, caller, reasons.require(wanted.reason), now)
    made = _planning(parts).apply(_posted(wanted), act, plans.plan_in(wanted.plan, source="plan"))
    return ApplicationOut(changes=[_change(one) for one in made])


def _planning(parts: Gateway) -> Planning:
    if parts.planning is None:
        raise NotReady
    return parts.planning


def _posted(wanted: ConfigurationIn) -> PostedConfiguration:
    return PostedConfiguration(wanted.files, wanted.policies)


def _act(parts: Gateway, caller: Principal, reason: str, now: datetime) -> PlannedAct:
    may_approve = parts.settings.releases.author_may_approve
    return PlannedAct(caller.actor, reason, now, parts.events, may_approve, caller)


def _change(one: PlannedChange) -> PlannedChangeOut:
    return PlannedChangeOut.model_validate(one, from_attributes=True)

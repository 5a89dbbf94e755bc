"""Routes of gates: list the revisions of the confidence from which an arm acts by itself, and narrow a gate."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from andon import decisions, gates
from andon.access import Permission
from andon.gates import GateRevision, Origin
from andon.gateway.dependencies import Caller, Db, Moment, Now, Parts
from andon.gateway.reasons import Reason

router = APIRouter(prefix="/v1/automations", tags=["gates"])


class GateOut(BaseModel):
    """One revision. No confidence reaches a threshold of 2: nothing is automatic.

    `in_force` marks the revisions of arms that may answer now, which excludes a model version that was rolled back.
    """

    revision: int
    arm: str
    threshold: float
    target: float
    confidence: float | None
    origin: Origin
    segment: dict[str, str | int | float | bool] = Field(description="Field and value; empty for the whole line.")
    predicted: str = Field(description="The predicted class that it concerns; empty for all.")
    sentence: str = Field(description="The basis of the revision, as a sentence.")
    evidence: dict[str, Any]
    automation_version: int
    by: str
    reason: str
    at: datetime
    expires_at: datetime | None
    in_force: bool


class NarrowIn(BaseModel):
    """The confidence that an arm needs from now on; at least what is proven."""

    model_config = ConfigDict(extra="forbid")

    arm: str = Field(max_length=200, description="Its name in decisions, such as `fraud-risk@8+3f2a9c01d2e4`.")
    threshold: float = Field(ge=0, le=2)
    reason: Reason
    value: str | int | float | bool | None = Field(
        None, description="Only for inputs with this value in the field by which the automation has gates."
    )
    predicted: str = Field("", max_length=200, description="Only for predictions of this class, if it has a gate.")
    expires_at: Moment | None = Field(None, description="When the proven threshold holds again. Default: never.")


@router.get("/{name}/gates", operation_id="list_gates")
def index(
    name: str, caller: Caller, db: Db, now: Now, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> list[GateOut]:
    """List the gate revisions of an automation, newest first."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    with db.begin() as tx:
        decisions.newest_version(tx, name)
        living = decisions.gates_in_force(tx, name, now)
        return [_shown(one, living) for one in gates.page(tx, name, limit=limit)]


@router.post("/{name}/gates", status_code=201, operation_id="narrow_gate")
def narrow(name: str, wanted: NarrowIn, gateway: Parts, caller: Caller, db: Db, now: Now) -> GateOut:
    """Narrow a gate: require more confidence than is proven to be needed. Gateways follow within a second."""
    caller.require(Permission.NARROW_GATES, name)
    with db.begin() as tx:
        decisions.newest_version(tx, name)
        made = gates.narrow(
            tx,
            name,
            wanted.arm,
            threshold=wanted.threshold,
            actor=caller.actor,
            reason=wanted.reason,
            events=gateway.events,
            now=now,
            expires_at=wanted.expires_at,
            part=(wanted.value, wanted.predicted),
        )
        return _shown(made, decisions.gates_in_force(tx, name, now))


def _shown(one: GateRevision, living: frozenset[int]) -> GateOut:
    own = {name: getattr(one, name) for name in GateOut.model_fields if name != "in_force"}
    return GateOut(**own, in_force=one.revision in living)

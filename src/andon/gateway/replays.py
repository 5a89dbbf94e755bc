"""The replay route: decide the newest decisions again with another policy or gate. The CLI replays millions."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from andon.access import Permission
from andon.gateway.dependencies import Caller, Now, Parts
from andon.gateway.errors import NotReady
from andon.kernel.errors import Fault
from andon.replays import EARLIEST, ReplayInvalid, ReplayQuestion, ReplayReport, TriedPolicy

router = APIRouter(prefix="/v1/automations", tags=["automations"])

MOST = 2000


class ReplayIn(BaseModel):
    """The candidate. An omitted part stays as it was for each decision, and so does the prediction."""

    model_config = ConfigDict(extra="forbid", strict=True)

    policy: Annotated[str | None, Field(min_length=1, description="A decision table as YAML.")] = None
    gate: Annotated[float | None, Field(ge=0, le=2, description="A threshold of the risk gate.")] = None
    last: Annotated[int, Field(ge=1, le=MOST, description="How many of the newest decisions to replay.")] = 1000


@router.post("/{name}/replays", operation_id="replay_decisions")
def replay(name: str, wanted: ReplayIn, caller: Caller, parts: Parts, now: Now) -> ReplayReport:
    """Decide the newest decisions again, and report the differences. Nothing is written.

    Replays run one at a time, for at most five seconds. After that, `asked.stopped` reports how many were replayed.
    """
    caller.require(Permission.READ_AUTOMATIONS, name)
    caller.require(Permission.READ_DECISIONS, name)
    parts.line(name)
    if parts.rehearse is None:
        raise NotReady
    if wanted.policy is None and wanted.gate is None:
        raise ReplayInvalid("Give a policy, a gate, or both", faults=[Fault("policy", "a policy or a gate is needed")])
    policy = None if wanted.policy is None else TriedPolicy(wanted.policy, "the given policy")
    return parts.rehearse(ReplayQuestion(name, EARLIEST, now, last=wanted.last, policy=policy, gate=wanted.gate))

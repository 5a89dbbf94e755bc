"""The live route of endpoints: the figures of the last minute, which all gateways and workers report."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from andon import live
from andon.access import Permission
from andon.gateway.dependencies import Caller, Db, Now, Parts
from andon.gateway.endpoints import Name, readable
from andon.live import STAGES, Figures

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])


class LatencyOut(BaseModel):
    """Percentiles in milliseconds, exact to 2.5 percent; null without decisions."""

    p50: float | None
    p95: float | None
    p99: float | None


class LiveArmOut(BaseModel):
    """One version in the last minute. `stages` is how long decisions waited for each stage; `whole` is the total."""

    version: int
    decisions: int
    per_second: float
    stages: dict[str, LatencyOut]
    fallbacks: dict[str, int] = Field(description="Decisions that something else had to answer, by reason.")


class QueueOut(BaseModel):
    """Number of requests of these automations that wait now, by priority."""

    interactive: int
    normal: int
    bulk: int


class LiveOut(BaseModel):
    """An endpoint in the last minute, for those of its automations that the caller may see."""

    name: str
    processes: int = Field(
        description="Gateways and workers with these automations that were seen in the last ten seconds."
    )
    decisions: int
    per_second: float
    whole: LatencyOut
    waiting: QueueOut
    versions: list[LiveArmOut]


@router.get("/{name}/live", operation_id="get_endpoint_live")
def show(name: Name, gateway: Parts, caller: Caller, db: Db, now: Now) -> LiveOut:
    """Show rates, percentiles and queue of an endpoint in the last minute, over all processes.

    The figures are refreshed every two seconds.
    """
    users = {a.name for a in readable(gateway.lines, name, caller) if caller.may(Permission.READ_MODELS, a.name)}
    with db.begin() as tx:
        processes = live.processes(tx, now)

    def figures(version: int | None = None) -> Figures:
        return live.figures(
            processes,
            lambda arm: arm.model == name and arm.automation in users and version in (None, arm.version),
        )

    whole = figures()
    versions = {
        arm.version for p in processes for arm in p.status.arms if arm.model == name and arm.automation in users
    }
    waiting = live.waiting(processes, users)
    return LiveOut(
        name=name,
        processes=len(live.processes_of(processes, users)),
        decisions=whole.decisions,
        per_second=whole.per_second,
        whole=_latency(whole, "whole"),
        waiting=QueueOut(interactive=waiting.interactive, normal=waiting.normal, bulk=waiting.bulk),
        versions=[_arm(version, figures(version)) for version in sorted(versions)],
    )


def _arm(version: int, figures: Figures) -> LiveArmOut:
    return LiveArmOut(
        version=version,
        decisions=figures.decisions,
        per_second=figures.per_second,
        stages={stage: _latency(figures, stage) for stage in STAGES},
        fallbacks=dict(figures.fallbacks),
    )


def _latency(figures: Figures, stage: str) -> LatencyOut:
    return LatencyOut.model_validate(figures.latency(stage), from_attributes=True)

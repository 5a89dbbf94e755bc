"""Metrics of this process for Prometheus."""

from fastapi import APIRouter, Response
from starlette.responses import PlainTextResponse

from andon.access import Permission
from andon.gateway.dependencies import Caller, SideParts
from andon.kernel.metrics import METRICS_CONTENT_TYPE

router = APIRouter(tags=["metrics"])


@router.get("/metrics", response_class=PlainTextResponse, operation_id="get_metrics")
def metrics(side: SideParts, caller: Caller) -> Response:
    """Return all metrics in Prometheus' text format. The key must be able to read metrics."""
    caller.require(Permission.READ_METRICS, None)
    return Response(side.metrics.text(), media_type=METRICS_CONTENT_TYPE)

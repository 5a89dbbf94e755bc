"""Health and metrics of a process that serves nothing else, without FastAPI and the routes of a gateway.

A gateway serves the same with `health` and `metrics`, which its OpenAPI document describes.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from andon.access import KeyRing, Permission
from andon.gateway.authorization import bearer
from andon.gateway.edge import Edge
from andon.gateway.errors import MethodNotAllowed, RouteNotFound
from andon.kernel.clock import Clock
from andon.kernel.metrics import METRICS_CONTENT_TYPE, Metrics


@dataclass(frozen=True, slots=True)
class Side:
    """Dependencies of the health and metrics routes of a gateway or worker. `problems` returns what is not ready."""

    keys: KeyRing
    clock: Clock
    metrics: Metrics
    problems: Callable[[], Mapping[str, str]]


def create_side(side: Side) -> ASGIApp:
    """Return an ASGI application that serves health and metrics alone."""
    return Edge(_SideApp(side), max_body_bytes=0)


class _SideApp:
    def __init__(self, side: Side) -> None:
        self._side = side
        self._answers: Mapping[str, Callable[[Headers], Response]] = {
            "/livez": lambda _: _json({"status": "ok"}),
            "/readyz": lambda _: self._ready(),
            "/startupz": lambda _: self._ready(),
            "/metrics": self._metrics,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, in a thread because the answer may need the database."""
        answer = self._answers.get(scope["path"])
        if answer is None:
            raise RouteNotFound
        if scope["method"] != "GET":
            raise MethodNotAllowed(allow="GET")
        response = await asyncio.to_thread(answer, Headers(scope=scope))
        await response(scope, receive, send)

    def _ready(self) -> Response:
        problems = self._side.problems()
        if not problems:
            return _json({"status": "ready"})
        return _json({"status": "not ready", "problems": dict(problems)}, status=503, headers={"Retry-After": "1"})

    def _metrics(self, headers: Headers) -> Response:
        side = self._side
        caller = side.keys.authenticate(bearer(headers.get("authorization")), side.clock.now())
        caller.require(Permission.READ_METRICS, None)
        return Response(side.metrics.text(), media_type=METRICS_CONTENT_TYPE)


def _json(body: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status_code=status, headers=headers, media_type="application/json")

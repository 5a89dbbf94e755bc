"""The gateway's HTTP application: the decide route below, FastAPI for everything else, one way to answer errors."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from andon.gateway import (
    actions,
    audit,
    automations,
    decisions,
    documents,
    health,
    keys,
    labels,
    metrics,
    models,
    reviews,
)
from andon.gateway.decide import PATH, Decide, Receive, Scope, Send
from andon.gateway.dependencies import Gateway, Side
from andon.gateway.errors import MethodNotAllowed, RequestInvalid, RouteNotFound
from andon.gateway.problems import CONTENT_TYPE, headers_of, internal, problem, status_of
from andon.kernel.errors import AndonError, Fault
from andon.version import __version__

log = structlog.get_logger(__name__)

ROUTERS = (
    documents.router,
    automations.router,
    decisions.router,
    labels.router,
    reviews.router,
    actions.router,
    models.router,
    keys.router,
    audit.router,
)


class GatewayApp:
    """The whole ASGI application of one gateway process."""

    def __init__(self, gateway: Gateway, control: FastAPI) -> None:
        self._control = control
        self._decide = Decide(gateway)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one connection."""
        if scope["type"] == "http":
            match = PATH.match(scope["path"])
            if match is not None:
                await self._decide(scope, receive, send, match[1])
                return
        await self._control(scope, receive, send)


def create_app(gateway: Gateway, side: Side) -> GatewayApp:
    """The application over the parts of one gateway."""
    return GatewayApp(gateway, create_control(gateway, side))


def create_control(gateway: Gateway, side: Side) -> FastAPI:
    """The control routes alone: everything but deciding."""
    app = create_side(side)
    app.state.gateway = gateway
    for router in ROUTERS:
        app.include_router(router)
    return app


def create_side(side: Side) -> FastAPI:
    """Health and metrics alone, for a process that answers nothing else."""
    app = FastAPI(
        title="Andon",
        version=__version__,
        description="Governed decisions: ask for one, read what was decided and why, work what follows.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.side = side
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.add_exception_handler(AndonError, _andon_error)
    app.add_exception_handler(RequestValidationError, _request_invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)
    app.middleware("http")(_correlate)
    return app


async def _correlate(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Bind the correlation id to the logs and give it back."""
    correlation = request.headers.get("x-correlation-id", "")[:128] or uuid4().hex
    request.state.correlation = correlation if correlation.isprintable() and correlation.isascii() else uuid4().hex
    with structlog.contextvars.bound_contextvars(correlation_id=request.state.correlation):
        response = await call_next(request)
    response.headers["X-Correlation-ID"] = request.state.correlation
    response.headers["Cache-Control"] = "no-store"
    return response


def _instance(request: Request) -> str:
    return str(getattr(request.state, "correlation", "")) or uuid4().hex


async def _andon_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AndonError)  # noqa: S101 - registered for this class
    return _problem(error, _instance(request))


async def _request_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    faults = [Fault(".".join(map(str, e["loc"])), str(e["msg"])) for e in error.errors()]
    return _problem(RequestInvalid(faults=faults), _instance(request))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    if error.status_code == 405:
        return _problem(MethodNotAllowed(allow=(error.headers or {}).get("Allow", "")), _instance(request))
    if error.status_code == 404:
        return _problem(RouteNotFound(), _instance(request))
    return _problem(RequestInvalid(str(error.detail)), _instance(request))


async def _bug(request: Request, error: Exception) -> Response:
    log.error("request.failed", path=request.url.path, exc_info=error)
    return Response(internal(_instance(request)), status_code=500, media_type=CONTENT_TYPE)


def _problem(error: AndonError, instance: str) -> Response:
    headers: dict[str, Any] = headers_of(error)
    return Response(problem(error, instance), status_code=status_of(error), headers=headers, media_type=CONTENT_TYPE)

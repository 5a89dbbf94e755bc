"""The gateway's HTTP application: plain ASGI routes, FastAPI for all others, and one format of errors."""

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match

from andon.gateway import (
    actions,
    alerts,
    attachments,
    audit,
    audits,
    automations,
    changes,
    cord,
    cord_rules,
    decisions,
    documents,
    endpoints,
    experiments,
    gate_proofs,
    gates,
    health,
    incidents,
    keys,
    labels,
    live,
    measures,
    metrics,
    models,
    monitors,
    plans,
    policies,
    procedures,
    quality,
    releases,
    replays,
    reviews,
    rollouts,
    silences,
    spending,
    splits,
    streams,
    tools,
)
from andon.gateway.asgi import Scope, Send
from andon.gateway.batch import PATH as BATCH_PATH
from andon.gateway.batch import BatchRoute
from andon.gateway.bodies import Receive
from andon.gateway.decide import PATH, Decide, RequestHead
from andon.gateway.dependencies import Gateway
from andon.gateway.edge import Edge, problem_response
from andon.gateway.errors import MethodNotAllowed, RequestInvalid, RouteNotFound
from andon.gateway.events import BATCH_PATH as EVENT_BATCH_PATH
from andon.gateway.events import PATH as EVENTS_PATH
from andon.gateway.events import EventDoor
from andon.gateway.inference import OpenInference
from andon.gateway.label_door import PATH as LABELS_PATH
from andon.gateway.label_door import LabelDoor
from andon.gateway.side import Side
from andon.kernel.errors import AndonError, Fault
from andon.version import __version__
from andon.wire import DirectRoute

ROUTERS = (
    documents.router,
    automations.router,
    cord.router,
    cord_rules.router,
    gates.router,
    gate_proofs.router,
    audits.router,
    monitors.router,
    quality.router,
    changes.router,
    plans.router,
    policies.router,
    releases.router,
    replays.router,
    splits.router,
    rollouts.router,
    experiments.router,
    spending.router,
    streams.router,
    streams.documents,
    attachments.router,
    decisions.router,
    labels.router,
    measures.router,
    reviews.router,
    actions.router,
    procedures.router,
    tools.router,
    models.router,
    endpoints.router,
    alerts.router,
    silences.router,
    incidents.router,
    live.router,
    keys.router,
    audit.router,
)


SIDE = (health.router, metrics.router)


class GatewayApp:
    """The whole ASGI application of one gateway process."""

    def __init__(self, gateway: Gateway, side: Side, control: FastAPI) -> None:
        self._control = control
        self._gateway = gateway
        self._inference = OpenInference(gateway, side)
        self.decide = Decide(gateway)
        self._batch = BatchRoute(gateway)
        self._events = EventDoor(gateway)
        self._labels = LabelDoor(gateway)

    @property
    def direct(self) -> DirectRoute[RequestHead] | None:
        """The decide route for the wire; None while each request gets a span, which only the ASGI route makes."""
        return None if self._gateway.tracing else self.decide

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route one connection."""
        if scope["type"] == "http":
            match = PATH.match(scope["path"])
            if match is not None:
                await self.decide(scope, receive, send, match[1])
                return
            match = BATCH_PATH.match(scope["path"])
            if match is not None:
                await self._batch(scope, receive, send, match[1])
                return
            if scope["path"] in (EVENTS_PATH, EVENT_BATCH_PATH):
                await self._events(scope, receive, send)
                return
            if scope["path"] == LABELS_PATH:
                await self._labels(scope, receive, send)
                return
            if OpenInference.serves(scope["path"]):
                await self._inference(scope, receive, send)
                return
        await self._control(scope, receive, send)


def create_app(gateway: Gateway, side: Side) -> GatewayApp:
    """Return the application of one gateway."""
    return GatewayApp(gateway, side, create_control(gateway, side))


def create_control(gateway: Gateway, side: Side) -> FastAPI:
    """Return the control routes alone: everything but deciding."""
    app = FastAPI(
        title="Andon",
        version=__version__,
        description="Governed decisions: request them, read what was decided and why, and work on what follows.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # Starlette's redirect names the host that the caller sent
    )
    app.state.side = side
    app.state.gateway = gateway
    _add(app, (*SIDE, *ROUTERS))
    app.add_exception_handler(AndonError, _andon_error)
    app.add_exception_handler(RequestValidationError, _request_invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(Edge, max_body_bytes=gateway.settings.gateway.max_body_bytes)
    return app


def _add(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Add routes as they are. `include_router` would build each again and delay the first request by 0.1 seconds."""
    for router in routers:
        app.router.routes.extend(router.routes)


async def _andon_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AndonError)  # noqa: S101 - registered for this class
    return problem_response(error, request.state.correlation)


async def _request_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    faults = [Fault(".".join(map(str, e["loc"])), str(e["msg"])) for e in error.errors()]
    return problem_response(RequestInvalid(faults=faults), request.state.correlation)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    return problem_response(_as_ours(error, request), request.state.correlation)


def _as_ours(error: HTTPException, request: Request) -> AndonError:
    if error.status_code == 405:
        return MethodNotAllowed(allow=", ".join(_methods(request)))
    if error.status_code == 404:
        return RouteNotFound()
    return RequestInvalid(str(error.detail))


def _methods(request: Request) -> list[str]:
    """Return all methods of an address. FastAPI itself names only those of the first route that matches."""
    routes = [route for router in (*ROUTERS, *SIDE) for route in router.routes if isinstance(route, APIRoute)]
    there = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in there for method in route.methods or ()})

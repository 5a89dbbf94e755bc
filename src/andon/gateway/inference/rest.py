"""`/v2/...`: the protocol's REST form as a plain ASGI application. Errors are `{"error": "..."}`, not problems."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter_ns

import structlog
from opentelemetry.trace import Span, SpanKind
from pydantic_core import to_json

from andon.gateway.asgi import Scope, Send, headers_of_scope, respond
from andon.gateway.bodies import Receive, read_body, require_plain
from andon.gateway.dependencies import Gateway
from andon.gateway.errors import MethodNotAllowed, RouteNotFound
from andon.gateway.headers import traceparent_of_headers
from andon.gateway.inference.answering import Inference
from andon.gateway.inference.asking import asked_of
from andon.gateway.problems import headers_of, status_of
from andon.gateway.side import Side
from andon.kernel.errors import AndonError
from andon.kernel.tracing import NO_SPAN, span, traceparent_of
from andon.serving.inference import rest

log = structlog.get_logger(__name__)

ROUTE = "POST /v2/models/{name}/infer"
_MODEL = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(?:/(ready|infer))?")


@dataclass(slots=True)
class _Call:
    """One request, and the headers of its answer so far."""

    method: str
    headers: Mapping[str, str]
    receive: Receive
    began_ns: int
    extra: dict[str, str] = field(default_factory=dict)

    def require(self, method: str) -> None:
        """Require a method. Raises MethodNotAllowed."""
        if self.method != method:
            raise MethodNotAllowed(allow=method)


class OpenInference:
    """The `/v2` routes of one gateway."""

    def __init__(self, gateway: Gateway, side: Side) -> None:
        self._gateway = gateway
        self._inference = Inference(gateway, side)

    @staticmethod
    def serves(path: str) -> bool:
        """Return whether an address is one of these routes."""
        return path == "/v2" or path.startswith("/v2/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = _Call(scope["method"], headers_of_scope(scope), receive, perf_counter_ns())
        status, body = await self._answered(call, scope["path"].rstrip("/"))
        await respond(send, status, body, call.extra)

    async def _answered(self, call: _Call, path: str) -> tuple[int, bytes]:
        """Return status and body of the answer. Every error becomes one of the protocol."""
        model = _MODEL.fullmatch(path)
        try:
            if model is None:
                return await self._of_server(call, path)
            name, version, what = model[1], model[2] or "", model[3]
            if what == "infer":
                return await self._inferred(call, name, version)
            call.require("GET")
            caller = self._inference.authenticate(call.headers.get("authorization"))
            if what == "ready":
                self._inference.line(caller, name, version)
                return 200, to_json({"name": name, "ready": True})
            return 200, rest.encode_model_metadata(self._inference.metadata(caller, name, version))
        except AndonError as error:
            return _refused(call, error)
        except Exception:
            log.exception("inference.failed", path=path)
            return 500, to_json({"error": "Internal error; find the details in the log"})

    async def _of_server(self, call: _Call, path: str) -> tuple[int, bytes]:
        match path:
            case "/v2":
                call.require("GET")
                self._inference.authenticate(call.headers.get("authorization"))
                return 200, rest.encode_server_metadata(self._inference.server())
            case "/v2/health/live":
                call.require("GET")
                return 200, to_json({"live": True})
            case "/v2/health/ready":
                call.require("GET")
                return await self._readiness(call)
            case "/v2/repository/index":
                call.require("POST")
                caller = self._inference.authenticate(call.headers.get("authorization"))
                return 200, to_json(self._inference.index(caller))
        raise RouteNotFound

    async def _readiness(self, call: _Call) -> tuple[int, bytes]:
        problems = await self._inference.problems()
        if not problems:
            return 200, to_json({"live": True, "ready": True})
        call.extra["Retry-After"] = "1"
        return 503, to_json({"live": True, "ready": False, "error": problems})

    async def _inferred(self, call: _Call, name: str, version: str) -> tuple[int, bytes]:
        """Decide, within a span if traces are sent, and count the answer."""
        if not self._gateway.tracing:
            status, body = await self._decided(call, name, version, NO_SPAN)
        else:
            with span(ROUTE, parent=traceparent_of_headers(call.headers), kind=SpanKind.SERVER) as server:
                status, body = await self._decided(call, name, version, server)
                server.set_attribute("http.route", ROUTE.removeprefix("POST "))
                server.set_attribute("http.response.status_code", status)
        self._inference.told(name, status, call.began_ns)
        return status, body

    async def _decided(self, call: _Call, name: str, version: str, server: Span) -> tuple[int, bytes]:
        new = self._inference.new_id()
        correlation = str(new)
        try:
            call.require("POST")
            caller = self._inference.authenticate(call.headers.get("authorization"))
            call.extra["RateLimit-Policy"] = self._gateway.admission.policy
            call.extra["RateLimit"] = self._inference.admit(caller, name)
            asked = asked_of(
                call.headers,
                caller,
                name,
                new,
                began_ns=call.began_ns,
                patience=self._gateway.settings.gateway.timeout_seconds,
                trace=traceparent_of(server),
            )
            correlation = call.extra["X-Correlation-ID"] = asked.correlation_id
            require_plain(call.headers)
            body = await read_body(call.headers, call.receive, self._gateway.settings.gateway.max_body_bytes)
            request = rest.decode_request(body, rest.header_length(call.headers.get(rest.HEADER_LENGTH.lower())))
            response = await self._inference.infer(replace(request, model=name, version=version), asked)
        except AndonError as error:
            self._inference.sent_away(name, error)
            return _refused(call, error)
        except Exception:
            log.exception("inference.failed", automation=name, correlation_id=correlation)
            return 500, to_json({"error": f"Internal error; find the details in the log by {correlation}"})
        binary = rest.binary_outputs(request, [tensor.name for tensor in response.outputs])
        content, json_bytes = rest.encode_response(response, binary=binary)
        if json_bytes is not None:
            call.extra |= {"Content-Type": "application/octet-stream", rest.HEADER_LENGTH: str(json_bytes)}
        return 200, content


def _refused(call: _Call, error: AndonError) -> tuple[int, bytes]:
    """Return the answer to an error. The protocol uses 400 where our own routes use 422."""
    call.extra |= headers_of(error)
    status = status_of(error)
    return 400 if status == 422 else status, to_json({"error": str(error)})

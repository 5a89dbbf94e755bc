"""`POST /v1/automations/{name}/decisions`: the hot path, as a raw ASGI application beside FastAPI.

In order: key, permission, rate, headers, body, contract; then the line decides and the ledger commits; then the answer.
Nothing is recorded of a request that is refused here.
"""

import re
from collections.abc import Mapping
from time import perf_counter_ns
from uuid import UUID

import structlog
from opentelemetry.trace import Span, SpanKind, StatusCode
from pydantic_core import to_json

from andon import decisions
from andon.access import Permission, Principal
from andon.decisions import (
    Decision,
    DecisionRecord,
    DecisionRequest,
    Idempotency,
    KeyInFlight,
)
from andon.gateway.answers import answer_of, answer_of_record
from andon.gateway.asgi import Scope, Send, headers_of_scope, respond
from andon.gateway.bodies import Receive, read_body, require_json
from andon.gateway.dependencies import Gateway, bearer
from andon.gateway.errors import (
    MethodNotAllowed,
)
from andon.gateway.headers import correlation_of, key_of, traceparent_of_headers
from andon.gateway.problems import CONTENT_TYPE, headers_of, internal, problem, status_of
from andon.kernel.errors import AndonError
from andon.kernel.ids import uuid7
from andon.kernel.tracing import NO_SPAN, span, traceparent_of

log = structlog.get_logger(__name__)

ROUTE = "POST /v1/automations/{name}/decisions"
PATH = re.compile(r"^/v1/automations/([^/]+)/decisions\Z")


class Decide:
    """The decide route over the parts of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send, name: str) -> None:
        """Answer one request, within a span of its own when traces are sent somewhere."""
        headers = headers_of_scope(scope)
        if not self._gateway.tracing:
            await self._respond(scope["method"], name, headers, receive, send, NO_SPAN)
            return
        with span(ROUTE, parent=traceparent_of_headers(headers), kind=SpanKind.SERVER) as server:
            await self._respond(scope["method"], name, headers, receive, send, server)

    async def _respond(
        self, method: str, name: str, headers: Mapping[str, str], receive: Receive, send: Send, server: Span
    ) -> None:
        """Answer; every error becomes a problem document."""
        began = perf_counter_ns()
        identifier = uuid7(self._gateway.clock.now())
        extra: dict[str, str] = {}
        correlation = str(identifier)
        try:
            correlation = correlation_of(headers, correlation)
            if method != "POST":
                raise MethodNotAllowed(allow="POST")
            status, body = await self._answer(name, headers, receive, extra, identifier, correlation, began, server)
        except AndonError as error:
            status, body = status_of(error), problem(error, correlation)
            extra |= {"Content-Type": CONTENT_TYPE, **headers_of(error)}
            server.set_attribute("error.type", error.code)
        except Exception:
            log.exception("decide.failed", automation=name, correlation_id=correlation)
            status, body = 500, internal(correlation)
            extra |= {"Content-Type": CONTENT_TYPE}
        known = name if name in self._gateway.lines else "unknown"
        self._gateway.metrics.requests.add((known, str(status)))
        if status < 300:
            self._gateway.metrics.latency.observe_times((known,), (perf_counter_ns() - began) / 1e9)
        if server is not NO_SPAN:
            _describe(server, known, status)
        await respond(send, status, body, {"X-Correlation-ID": correlation, **extra})

    async def _answer(
        self,
        name: str,
        headers: Mapping[str, str],
        receive: Receive,
        extra: dict[str, str],
        identifier: UUID,
        correlation: str,
        began: int,
        server: Span,
    ) -> tuple[int, bytes]:
        gateway = self._gateway
        caller = gateway.keys.authenticate(bearer(headers.get("authorization")), gateway.clock.now())
        caller.require(Permission.DECIDE, name)
        extra["RateLimit-Policy"] = gateway.admission.policy
        extra["RateLimit"] = gateway.admission.admit(caller.id)
        line = gateway.line(name)
        require_json(headers)
        raw = await read_body(headers, receive, gateway.settings.gateway.max_body_bytes)
        request = DecisionRequest(
            id=identifier,
            automation=name,
            raw=raw,
            input=line.contract.read(raw),
            caller=caller.name,
            correlation_id=correlation,
            asked_at=gateway.clock.now(),
            began_ns=began,
            traceparent=traceparent_of(server) or traceparent_of_headers(headers),
            idempotency=_idempotency(headers, caller, name, raw),
        )
        server.set_attribute("andon.decision_id", str(identifier))
        if "respond-async" in headers.get("prefer", ""):
            return await self._later(request, extra)
        return await self._now(request, extra)

    async def _later(self, request: DecisionRequest, extra: dict[str, str]) -> tuple[int, bytes]:
        """Keep the request in the intake; a worker decides it."""
        identifier = await self._gateway.in_thread(lambda tx: decisions.accept(tx, request))
        location = f"/v1/decisions/{identifier}"
        extra |= {"Location": location, "Preference-Applied": "respond-async", "Retry-After": "1"}
        return 202, to_json({"id": identifier, "status": "pending", "location": location})

    async def _now(self, request: DecisionRequest, extra: dict[str, str]) -> tuple[int, bytes]:
        extra["Location"] = f"/v1/decisions/{request.id}"
        if request.idempotency is None:
            decision = await self._decide(request)
            if decision is None:
                raise RuntimeError(
                    "the database refused to record this decision; `decision.refused_by_database` says why"
                )
            return 200, answer_of(decision)
        return await self._once(request, request.idempotency, extra)

    async def _once(self, request: DecisionRequest, key: Idempotency, extra: dict[str, str]) -> tuple[int, bytes]:
        """Decide under the caller's own key: the first answer is the only one."""
        in_flight, mark = self._gateway.keys_in_flight, (key.scope, key.key)
        if mark in in_flight:
            raise KeyInFlight(retry_after=1)
        in_flight.add(mark)
        try:
            first = await self._first(key)
            decision = None if first is not None else await self._decide(request)
            if decision is not None:
                return 200, answer_of(decision)
            first = first or await self._first(key)
        finally:
            in_flight.discard(mark)
        if first is None:
            raise KeyInFlight(retry_after=1)
        extra |= {"Location": f"/v1/decisions/{first.row.id}", "Idempotency-Replayed": "true"}
        return 200, answer_of_record(first)

    async def _first(self, key: Idempotency) -> DecisionRecord | None:
        return await self._gateway.in_thread(lambda tx: decisions.first_answer(tx, key))

    async def _decide(self, request: DecisionRequest) -> Decision | None:
        admission = self._gateway.admission
        admission.in_flight += 1
        try:
            return await self._gateway.decider.decide(request)
        finally:
            admission.in_flight -= 1


def _describe(server: Span, automation: str, status: int) -> None:
    """What OpenTelemetry's conventions want to know of an HTTP request, and whose it was."""
    server.set_attribute("http.route", ROUTE.removeprefix("POST "))
    server.set_attribute("http.response.status_code", status)
    server.set_attribute("andon.automation", automation)
    if status >= 500:
        server.set_status(StatusCode.ERROR)


def _idempotency(headers: Mapping[str, str], caller: Principal, automation: str, raw: bytes) -> Idempotency | None:
    given = key_of(headers)
    return None if given is None else Idempotency.of(automation, caller.name, given, raw)

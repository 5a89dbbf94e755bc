"""`POST /v1/automations/{name}/decisions`: the hot path, below FastAPI.

In order: key, permission, rate, headers, body, contract; then the line decides and the ledger commits; then the answer.
A request that is refused here leaves no record. There are two entry points. `Decide.__call__` is plain ASGI and takes
every request. `begin` and `again` are the direct route of the wire (`andon.wire.DirectRoute`): one call for a whole
request, one callback for its answer, no task and no future.
"""

import asyncio
import re
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from time import perf_counter_ns

import structlog
from opentelemetry.trace import Span, SpanKind, StatusCode

from andon.access import Permission
from andon.decisions import Decision, DecisionRequest, Idempotency
from andon.gateway.admission import SENT_AWAY
from andon.gateway.answers import answer_of
from andon.gateway.asgi import Scope, Send, headers_of_scope, respond
from andon.gateway.bodies import Receive, read_body
from andon.gateway.decide.exchange import JSON, Exchange
from andon.gateway.decide.heads import RequestHead, head_of
from andon.gateway.decide.overload import GatewayOverload
from andon.gateway.decide.slow import SlowAnswer, SlowRequests
from andon.gateway.dependencies import Gateway
from andon.gateway.errors import MethodNotAllowed
from andon.gateway.headers import RESPOND_ASYNC, correlation_of, destination_of, preferences_of, traceparent_of_headers
from andon.gateway.problems import CONTENT_TYPE, headers_of, internal, problem, status_of
from andon.kernel.errors import AndonError
from andon.kernel.ids import uuid7
from andon.kernel.tracing import NO_SPAN, span, traceparent_of
from andon.wire import Reply

log = structlog.get_logger(__name__)

ROUTE = "POST /v1/automations/{name}/decisions"
PATH = re.compile(r"^/v1/automations/([^/]+)/decisions\Z")
DIRECT = re.compile(rb"^/v1/automations/([a-z0-9-]+)/decisions\Z")
_STATUS = {status.value: str(status.value) for status in HTTPStatus}


class Decide:
    """The decide route of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._admission, self._metrics = gateway.admission, gateway.metrics
        self.limit = gateway.settings.gateway.max_body_bytes
        self.overload = GatewayOverload(gateway)
        self._policy = f"RateLimit-Policy: {gateway.admission.policy}\r\n"
        self._slow = SlowRequests(gateway, self._decide)
        self._tasks: set[asyncio.Task[None]] = set()

    def automation_of(self, url: bytes) -> str | None:
        """Name the automation in a plainly written address of this route; None for any other address."""
        match = DIRECT.match(url)
        return None if match is None else match[1].decode()

    def begin(
        self, automation: str, headers: Mapping[str, str], body: bytes, reply: Reply, server: Span = NO_SPAN
    ) -> RequestHead | None:
        """Take one whole POST and answer it by `reply`, now or later, exactly once. Errors become problem documents.

        Return the head for `again` if the same bytes will mean the same in the next request.
        """
        exchange = self._exchange(automation, headers, reply, server)
        try:
            exchange.correlation = correlation_of(headers, exchange.correlation)
            head = head_of(self._gateway, automation, headers)
        except Exception as error:  # noqa: BLE001 - the edge: a bug is logged and answered as one
            self._refuse(exchange, error)
            return None
        self._take(exchange, head, body)
        return head if head.reusable else None

    def again(self, head: RequestHead, body: bytes, reply: Reply) -> None:
        """Take one more POST with a head that was read before. Key, permission and rate are checked all the same."""
        self._take(self._exchange(head.name, head.headers, reply, NO_SPAN), head, body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, name: str) -> None:
        """Answer one ASGI request, within a span of its own if traces are sent."""
        headers = headers_of_scope(scope)
        if not self._gateway.tracing:
            await self._respond(scope["method"], name, headers, receive, send, NO_SPAN)
            return
        with span(ROUTE, parent=traceparent_of_headers(headers), kind=SpanKind.SERVER) as server:
            await self._respond(scope["method"], name, headers, receive, send, server)

    async def _respond(
        self, method: str, name: str, headers: Mapping[str, str], receive: Receive, send: Send, server: Span
    ) -> None:
        answered: asyncio.Future[tuple[int, str, bytes]] = asyncio.get_running_loop().create_future()

        def reply(status: int, lines: str, body: bytes) -> None:
            if not answered.done():
                answered.set_result((status, lines, body))

        exchange = self._exchange(name, headers, reply, server)
        try:
            exchange.correlation = correlation_of(headers, exchange.correlation)
            if method != "POST":
                raise MethodNotAllowed(allow="POST")
            head_of(self._gateway, name, headers)  # before a byte of the body is read
            raw = await read_body(headers, receive, self.limit)
        except AndonError as error:
            self._refuse(exchange, error)
        else:
            self.begin(name, headers, raw, reply, server)
        status, lines, body = await answered
        await respond(send, status, body, dict(line.split(": ", 1) for line in lines.split("\r\n")[:-1]))

    def _exchange(self, name: str, headers: Mapping[str, str], reply: Reply, server: Span) -> Exchange:
        began, at = perf_counter_ns(), self._gateway.clock.now()
        identifier = uuid7(at)
        return Exchange(name, headers, reply, at, began, identifier, str(identifier), server)

    def _take(self, exchange: Exchange, head: RequestHead, body: bytes) -> None:
        try:
            request = self._admitted(exchange, head, body)
            if head.slow:
                exchange.task = asyncio.get_running_loop().create_task(self._answer_slowly(exchange, request))
                self._tasks.add(exchange.task)
                exchange.task.add_done_callback(self._tasks.discard)
            else:
                self._submit(exchange, request)
        except Exception as error:  # noqa: BLE001 - the edge, as in `begin`
            self._refuse(exchange, error)

    def _admitted(self, exchange: Exchange, head: RequestHead, raw: bytes) -> DecisionRequest:
        """Check key, permission, rate and input, and return the request to decide. Raises the first error found."""
        gateway, name = self._gateway, head.name
        caller = gateway.keys.again(head.caller, exchange.at)
        if caller is not head.allowed:
            caller.require(Permission.DECIDE, name)
        exchange.rate_lines = self._policy  # also for a caller whose rate is refused
        exchange.rate_lines = f"{self._policy}RateLimit: {self._admission.admit(caller.id)}\r\n"
        line = gateway.line(name)
        traceparent = head.traceparent
        if exchange.span is not NO_SPAN:
            exchange.span.set_attribute("andon.decision_id", str(exchange.id))
            traceparent = traceparent_of(exchange.span) or traceparent
        return DecisionRequest(
            id=exchange.id,
            automation=name,
            raw=raw,
            input=line.contract.read(raw),
            caller=caller.name,
            correlation_id=exchange.correlation,
            asked_at=exchange.at,
            began_ns=exchange.began,
            traceparent=traceparent,
            idempotency=None if head.key is None else Idempotency.of(name, caller.name, head.key, raw),
            priority=head.priority,
            deadline_ns=exchange.began + head.patience_ns,
            pinned=head.pinned,
        )

    def _submit(self, exchange: Exchange, request: DecisionRequest) -> None:
        self._admission.in_flight += 1
        try:
            self._gateway.decider.submit(request, partial(self._decided, exchange), exchange.write_ahead)
        except BaseException:
            self._admission.in_flight -= 1
            raise

    def _decided(self, exchange: Exchange, decision: Decision | None, error: BaseException | None) -> None:
        self._admission.in_flight -= 1
        if decision is None:
            self._refuse(exchange, error or _unrecorded())
        else:
            if exchange.draft is None:
                exchange.write_ahead(decision)
            self._send(exchange, 200, exchange.draft_lines, answer_of(decision, exchange.draft))

    async def _answer_slowly(self, exchange: Exchange, request: DecisionRequest) -> None:
        try:
            slow = await self._slow_answer(exchange, request)
            if slow is None:
                self._submit(exchange, request)
                return
        except Exception as error:  # noqa: BLE001 - the edge, as in `begin`
            self._refuse(exchange, error)
        else:
            exchange.out |= slow.headers
            self._answer(exchange, slow.status, slow.body)

    async def _slow_answer(self, exchange: Exchange, request: DecisionRequest) -> SlowAnswer | None:
        """Answer a request that has a key or asks for a later answer; None if it is decided like any other."""
        notify = destination_of(exchange.headers, self._gateway.settings.destinations)
        if RESPOND_ASYNC in preferences_of(exchange.headers.get("prefer", "")):
            return await self._slow.later(request, notify)
        if request.idempotency is not None:
            return await self._slow.once(request, request.idempotency)
        return None

    async def _decide(self, request: DecisionRequest) -> Decision | None:
        self._admission.in_flight += 1
        try:
            return await self._gateway.decider.decide(request)
        finally:
            self._admission.in_flight -= 1

    def _refuse(self, exchange: Exchange, error: BaseException) -> None:
        if isinstance(error, AndonError):
            status, body = status_of(error), problem(error, exchange.correlation)
            exchange.out |= {"Content-Type": CONTENT_TYPE, **headers_of(error)}
            exchange.span.set_attribute("error.type", error.code)
            if reason := SENT_AWAY.get(type(error)):
                self._metrics.refused.add((self._gateway.label_of(exchange.name), reason))
        else:
            log.error("decide.failed", automation=exchange.name, correlation_id=exchange.correlation, exc_info=error)
            status, body = 500, internal(exchange.correlation)
            exchange.out |= {"Content-Type": CONTENT_TYPE}
        self._answer(exchange, status, body)

    def _answer(self, exchange: Exchange, status: int, body: bytes) -> None:
        exchange.out.setdefault("Content-Type", JSON)
        lines = "".join([f"{name}: {value}\r\n" for name, value in exchange.out.items()])
        self._send(exchange, status, exchange.with_common(lines), body)

    def _send(self, exchange: Exchange, status: int, lines: str, body: bytes) -> None:
        """Count the answer and send it with all these header lines."""
        metrics, label = self._metrics, self._gateway.label_of(exchange.name)
        metrics.requests.add((label, _STATUS[status]))
        if status < 300:
            metrics.latency.observe_times((label,), (perf_counter_ns() - exchange.began) / 1e9)
        if exchange.span is not NO_SPAN:
            _describe(exchange.span, label, status)
        exchange.reply(status, lines, body)


def _unrecorded() -> RuntimeError:
    return RuntimeError("the database refused to record this decision; see `decision.refused_by_database` in the log")


def _describe(server: Span, automation: str, status: int) -> None:
    """Set the attributes of an HTTP request by OpenTelemetry's conventions, and the automation."""
    server.set_attribute("http.route", ROUTE.removeprefix("POST "))
    server.set_attribute("http.response.status_code", status)
    server.set_attribute("andon.automation", automation)
    if status >= 500:
        server.set_status(StatusCode.ERROR)

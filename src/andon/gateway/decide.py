"""`POST /v1/automations/{name}/decisions`: the hot path, below FastAPI.

In order: key, permission, rate, headers, body, contract; then the line decides and the ledger commits; then the answer.
Nothing is recorded of a request that is refused here. `begin` takes a request whole and calls back: so the wire asks, with
no task and no future a request. `__call__` is the same as an ASGI application, for what came in pieces or is traced.
"""

import asyncio
import re
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from time import perf_counter_ns

import structlog
from msgspec.structs import replace
from opentelemetry.trace import Span, SpanKind, StatusCode
from pydantic_core import to_json

from andon.access import Permission
from andon.decisions import Decision, DecisionRequest, Idempotency, KeyInFlight
from andon.gateway.acceptances import Acceptances
from andon.gateway.admission import SENT_AWAY
from andon.gateway.answers import answer_of, answer_of_record
from andon.gateway.asgi import Scope, Send, headers_of_scope, respond
from andon.gateway.asked import JSON, Asked, Reply
from andon.gateway.bodies import Receive, read_body
from andon.gateway.dependencies import Gateway
from andon.gateway.errors import HeaderInvalid, MethodNotAllowed
from andon.gateway.first_answers import FirstAnswers
from andon.gateway.headers import RESPOND_ASYNC, correlation_of, destination_of, preferences_of, traceparent_of_headers
from andon.gateway.heads import KNOWN, Head, head_of
from andon.gateway.problems import CONTENT_TYPE, headers_of, internal, problem, status_of
from andon.kernel.errors import AndonError
from andon.kernel.ids import uuid7
from andon.kernel.tracing import NO_SPAN, span, traceparent_of

log = structlog.get_logger(__name__)

ROUTE = "POST /v1/automations/{name}/decisions"
PATH = re.compile(r"^/v1/automations/([^/]+)/decisions\Z")
DIRECT = re.compile(rb"^/v1/automations/([a-z0-9-]+)/decisions\Z")
_STATUS = {status.value: str(status.value) for status in HTTPStatus}
SHEDDING_NS = 1_000_000
"""How long what is too much is taken for too much without another look."""

ROOM_NS = 200_000
"""How long there is taken to be room without another look."""


CROWDED = 0.25
"""Of what may be under way or wait: when less does, there is room for those who were refused."""


class Decide:
    """The decide route over the parts of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._admission, self._metrics = gateway.admission, gateway.metrics
        self.limit = gateway.settings.gateway.max_body_bytes
        self._longest_wait = gateway.settings.gateway.wait_seconds
        self._policy = f"RateLimit-Policy: {gateway.admission.policy}\r\n"
        self.heads: dict[bytes, tuple[Head, int]] = {}
        self._first_answers = FirstAnswers(gateway.decider, gateway.database)
        self._acceptances = Acceptances(gateway.database)
        self._tasks: set[asyncio.Task[None]] = set()
        self._sheds = False
        self._look_at = 0

    @property
    def direct(self) -> bool:
        """Whether requests may come by `begin`: not when each shall have its span."""
        return not self._gateway.tracing

    @property
    def shedding(self) -> bool:
        """Whether so much is under way or waits that one more request is better refused at a glance.

        It is looked at anew after a moment, which is longer where it is so.
        """
        now = perf_counter_ns()
        if now >= self._look_at:
            self._sheds = self._admission.full or self._gateway.decider.expected_wait > self._longest_wait
            self._look_at = now + (SHEDDING_NS if self._sheds else ROOM_NS)
        return self._sheds

    @property
    def crowded(self) -> bool:
        """Whether so much is still under way or waits that those who were refused at a glance need not be looked at yet."""
        waits_long = self._gateway.decider.expected_wait > CROWDED * self._longest_wait
        return self._admission.share > CROWDED or waits_long

    def tally_shed(self, name: str, times: int) -> None:
        """So many that asked this automation were refused at a glance; nobody looked whether there is one of this name."""
        automation = self._known(name)
        self._metrics.requests.add((automation, "503"), times)
        self._metrics.refused.add((automation, "queue"), times)

    def remember(self, text: bytes, head: Head, length: int) -> None:
        """Know these bytes of a head, with the length of the body that they announce, from now on."""
        if len(self.heads) >= KNOWN:
            self.heads.clear()
        self.heads[text] = (head, length)

    def path(self, url: bytes) -> str | None:
        """The automation that this address asks, written plainly; None for any other address."""
        match = DIRECT.match(url)
        return None if match is None else match[1].decode()

    def begin(
        self, name: str, headers: Mapping[str, str], body: bytes, reply: Reply, server: Span = NO_SPAN
    ) -> Head | None:
        """Take one whole POST; `reply` hears the answer, now or later, exactly once. Every error becomes a problem document.

        Gives the head for `again`, if the same bytes will mean the same the next time.
        """
        asked = self._asked(name, headers, reply, server)
        try:
            asked.correlation = correlation_of(headers, asked.correlation)
            head = head_of(self._gateway, name, headers)
        except Exception as error:  # noqa: BLE001 - the edge: what is no error of ours is logged and answered as a bug
            self._refuse(asked, error)
            return None
        self._take(asked, head, body)
        return head if head.steady else None

    def again(self, head: Head, body: bytes, reply: Reply) -> None:
        """Take one more with a head that was read before; who asks and how fast is looked at as ever."""
        self._take(self._asked(head.name, head.headers, reply, NO_SPAN), head, body)

    def _asked(self, name: str, headers: Mapping[str, str], reply: Reply, server: Span) -> Asked:
        """A request that comes now."""
        began, at = perf_counter_ns(), self._gateway.clock.now()
        identifier = uuid7(at)
        return Asked(name, headers, reply, at, began, identifier, str(identifier), server)

    def _take(self, asked: Asked, head: Head, body: bytes) -> None:
        try:
            request = self._admitted(asked, head, body)
            if head.slow:
                asked.task = asyncio.get_running_loop().create_task(self._slowly(asked, request))
                self._tasks.add(asked.task)
                asked.task.add_done_callback(self._tasks.discard)
            else:
                self._submit(asked, request)
        except Exception as error:  # noqa: BLE001 - the edge, as in `begin`
            self._refuse(asked, error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, name: str) -> None:
        """The same as ASGI, within a span of its own when traces are sent somewhere."""
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

        asked = self._asked(name, headers, reply, server)
        try:
            asked.correlation = correlation_of(headers, asked.correlation)
            if method != "POST":
                raise MethodNotAllowed(allow="POST")
            head_of(self._gateway, name, headers)  # before a byte of the body is read
            raw = await read_body(headers, receive, self.limit)
        except AndonError as error:
            self._refuse(asked, error)
        else:
            self.begin(name, headers, raw, reply, server)
        status, lines, body = await answered
        await respond(send, status, body, dict(line.split(": ", 1) for line in lines.split("\r\n")[:-1]))

    def _admitted(self, asked: Asked, head: Head, raw: bytes) -> DecisionRequest:
        gateway, name = self._gateway, head.name
        caller = gateway.keys.again(head.caller, asked.at)
        if caller is not head.allowed:
            caller.require(Permission.DECIDE, name)
        asked.limits = self._policy  # told as well where this refuses
        asked.limits = f"{self._policy}RateLimit: {self._admission.admit(caller.id)}\r\n"
        line = gateway.line(name)
        traceparent = head.traceparent
        if asked.span is not NO_SPAN:
            asked.span.set_attribute("andon.decision_id", str(asked.id))
            traceparent = traceparent_of(asked.span) or traceparent
        return DecisionRequest(
            id=asked.id,
            automation=name,
            raw=raw,
            input=line.contract.read(raw),
            caller=caller.name,
            correlation_id=asked.correlation,
            asked_at=asked.at,
            began_ns=asked.began,
            traceparent=traceparent,
            idempotency=None if head.key is None else Idempotency.of(name, caller.name, head.key, raw),
            priority=head.priority,
            deadline_ns=asked.began + head.patience_ns,
            pinned=head.pinned,
        )

    def _submit(self, asked: Asked, request: DecisionRequest) -> None:
        self._admission.in_flight += 1
        try:
            self._gateway.decider.submit(request, partial(self._decided, asked), asked.write_ahead)
        except BaseException:
            self._admission.in_flight -= 1
            raise

    def _decided(self, asked: Asked, decision: Decision | None, error: BaseException | None) -> None:
        self._admission.in_flight -= 1
        if decision is None:
            self._refuse(asked, error or _unrecorded())
        else:
            if asked.draft is None:
                asked.write_ahead(decision)
            self._tell(asked, 200, asked.lines, answer_of(decision, asked.draft))

    async def _slowly(self, asked: Asked, request: DecisionRequest) -> None:
        """What needs the database beside the ledger: an idempotency key, or an answer later."""
        try:
            notify = destination_of(asked.headers, self._gateway.settings.destinations)
            if RESPOND_ASYNC in preferences_of(asked.headers.get("prefer", "")):
                status, body = await self._later(request, notify, asked.out)
            elif request.idempotency is not None:
                status, body = await self._once(request, request.idempotency, asked.out)
            else:
                self._submit(asked, request)
                return
        except Exception as error:  # noqa: BLE001 - the edge, as in `begin`
            self._refuse(asked, error)
        else:
            self._answer(asked, status, body)

    async def _later(self, request: DecisionRequest, notify: str | None, out: dict[str, str]) -> tuple[int, bytes]:
        """Keep the request in the intake; a worker decides it. Raises HeaderInvalid for a pinned version, which the intake does not keep."""
        if request.pinned is not None:
            raise HeaderInvalid("Andon-Model-Version: a version cannot be pinned for an answer that comes later")
        identifier = await self._acceptances.of(replace(request, notify=notify))
        location = f"/v1/decisions/{identifier}"
        out |= {"Location": location, "Preference-Applied": RESPOND_ASYNC, "Retry-After": "1"}
        return 202, to_json({"id": identifier, "status": "pending", "location": location})

    async def _once(self, request: DecisionRequest, key: Idempotency, out: dict[str, str]) -> tuple[int, bytes]:
        """Decide under the caller's own key: the first answer is the only one."""
        in_flight, mark = self._gateway.keys_in_flight, (key.scope, key.key)
        if mark in in_flight:
            raise KeyInFlight(retry_after=1)
        in_flight.add(mark)
        try:
            first = await self._first_answers.of(key)
            decision = None if first is not None else await self._decide(request)
            if decision is not None:
                out["Location"] = f"/v1/decisions/{request.id}"
                return 200, answer_of(decision)
            first = first or await self._first_answers.of(key)
        finally:
            in_flight.discard(mark)
        if first is None:
            raise KeyInFlight(retry_after=1)
        out |= {"Location": f"/v1/decisions/{first.row.id}", "Idempotency-Replayed": "true"}
        return 200, answer_of_record(first)

    async def _decide(self, request: DecisionRequest) -> Decision | None:
        self._admission.in_flight += 1
        try:
            return await self._gateway.decider.decide(request)
        finally:
            self._admission.in_flight -= 1

    def _refuse(self, asked: Asked, error: BaseException) -> None:
        if isinstance(error, AndonError):
            status, body = status_of(error), problem(error, asked.correlation)
            asked.out |= {"Content-Type": CONTENT_TYPE, **headers_of(error)}
            asked.span.set_attribute("error.type", error.code)
            if reason := SENT_AWAY.get(type(error)):
                self._metrics.refused.add((self._known(asked.name), reason))
        else:
            log.error("decide.failed", automation=asked.name, correlation_id=asked.correlation, exc_info=error)
            status, body = 500, internal(asked.correlation)
            asked.out |= {"Content-Type": CONTENT_TYPE}
        self._answer(asked, status, body)

    def _answer(self, asked: Asked, status: int, body: bytes) -> None:
        asked.out.setdefault("Content-Type", JSON)
        self._tell(asked, status, asked.among_all("".join([f"{k}: {v}\r\n" for k, v in asked.out.items()])), body)

    def _tell(self, asked: Asked, status: int, lines: str, body: bytes) -> None:
        """Answer with all these header lines."""
        metrics, known = self._metrics, self._known(asked.name)
        metrics.requests.add((known, _STATUS[status]))
        if status < 300:
            metrics.latency.observe_times((known,), (perf_counter_ns() - asked.began) / 1e9)
        if asked.span is not NO_SPAN:
            _describe(asked.span, known, status)
        asked.reply(status, lines, body)

    def _known(self, name: str) -> str:
        """The automation as a label; a name that nobody deployed is none."""
        return name if name in self._gateway.deployment.lines else "unknown"


def _unrecorded() -> RuntimeError:
    return RuntimeError("the database refused to record this decision; `decision.refused_by_database` says why")


def _describe(server: Span, automation: str, status: int) -> None:
    """What OpenTelemetry's conventions want to know of an HTTP request, and whose it was."""
    server.set_attribute("http.route", ROUTE.removeprefix("POST "))
    server.set_attribute("http.response.status_code", status)
    server.set_attribute("andon.automation", automation)
    if status >= 500:
        server.set_status(StatusCode.ERROR)

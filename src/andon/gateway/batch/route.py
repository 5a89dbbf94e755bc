"""`POST /v1/automations/{name}/decisions:batch`: any number of rows, in memory that does not grow with them.

The body is read as it arrives, and answers are sent meanwhile in the same format and order. An error of the call itself
is answered with a problem document. An error of a row stands in the place of its answer.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

import structlog
from opentelemetry.trace import Span, SpanKind

from andon.access import Permission
from andon.gateway.asgi import Scope, Send, begin, headers_of_scope, respond
from andon.gateway.authorization import bearer
from andon.gateway.batch.body import Body, groups_of
from andon.gateway.batch.deciding import Asking, BatchCall
from andon.gateway.batch.formats import Answers, format_of
from andon.gateway.batch.rows import BatchRow
from andon.gateway.batch.spool import Spool
from andon.gateway.bodies import Receive, require_plain
from andon.gateway.dependencies import Gateway
from andon.gateway.errors import HeaderInvalid, MethodNotAllowed, RateLimited
from andon.gateway.headers import NOTIFY, correlation_of, key_of, traceparent_of_headers
from andon.gateway.problems import CONTENT_TYPE, headers_of, internal, problem, status_of
from andon.gateway.urgency import TIMEOUT, pinned_by
from andon.kernel.errors import AndonError
from andon.kernel.ids import uuid7
from andon.kernel.tracing import NO_SPAN, span, traceparent_of

log = structlog.get_logger(__name__)

ROUTE = "POST /v1/automations/{name}/decisions:batch"
PATH = re.compile(r"^/v1/automations/([^/]+)/decisions:batch\Z")


class BatchRoute:
    """The batch route of one gateway. All batches together may have half of `max_in_flight` under way."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._open: Counter[UUID] = Counter()
        self._seats = asyncio.Semaphore(max(1, gateway.settings.gateway.max_in_flight // 2))

    async def __call__(self, scope: Scope, receive: Receive, send: Send, name: str) -> None:
        """Answer one batch, within a span of its own if traces are sent."""
        headers = headers_of_scope(scope)
        if not self._gateway.tracing:
            await self._respond(scope["method"], name, headers, receive, send, NO_SPAN)
            return
        with span(ROUTE, parent=traceparent_of_headers(headers), kind=SpanKind.SERVER) as server:
            await self._respond(scope["method"], name, headers, receive, send, server)

    async def _respond(
        self, method: str, name: str, headers: Mapping[str, str], receive: Receive, send: Send, server: Span
    ) -> None:
        """Refuse the call, or answer its rows. A broken answer is left without its end, so that the caller notices."""
        correlation = str(uuid7(self._gateway.clock.now()))
        body = Body(receive)
        begun = False
        try:
            correlation = correlation_of(headers, correlation)
            if method != "POST":
                raise MethodNotAllowed(allow="POST")
            asking = self._asking(name, headers, correlation, server)
            rows, answers = format_of(
                headers.get("content-type", ""), row_bytes=self._gateway.settings.gateway.max_body_bytes
            )
            groups = groups_of(body, rows)
            with self._counted(asking.caller.id):
                first: list[BatchRow] = await anext(groups, [])
                begun = True
                await self._stream(asking, body, first, groups, answers, send)
        except AndonError as error:
            out = {"X-Correlation-ID": correlation, "Content-Type": CONTENT_TYPE, **headers_of(error)}
            self._gateway.metrics.requests.add((self._gateway.label_of(name), str(status_of(error))))
            await respond(send, status_of(error), problem(error, correlation), out)
        except Exception:
            log.exception("batch.failed", automation=name, correlation_id=correlation)
            if not begun:
                out = {"X-Correlation-ID": correlation, "Content-Type": CONTENT_TYPE}
                await respond(send, 500, internal(correlation), out)
        finally:
            body.close()

    @contextmanager
    def _counted(self, key: UUID) -> Iterator[None]:
        """Count a call of a key while it lasts. Raises RateLimited if the key has too many batches under way."""
        most = self._gateway.settings.gateway.batches_per_key
        if self._open[key] >= most:
            raise RateLimited(
                f"This key already has {most} batches under way; send more rows in each batch", retry_after=1
            )
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

    def _asking(self, name: str, headers: Mapping[str, str], correlation: str, server: Span) -> Asking:
        gateway = self._gateway
        caller = gateway.keys.authenticate(bearer(headers.get("authorization")), gateway.clock.now())
        caller.require(Permission.DECIDE, name)
        if NOTIFY in headers:
            raise HeaderInvalid("Andon-Notify is only for single requests: a batch is answered while it is sent")
        if TIMEOUT in headers:
            raise HeaderInvalid(
                "X-Request-Timeout is only for single requests: rows of a batch wait until they are decided"
            )
        require_plain(headers)
        line, pinned = gateway.line(name), pinned_by(headers, caller, name)
        if pinned is not None:
            line.traffic.require(pinned)
        return Asking(
            line=line,
            caller=caller,
            correlation_id=correlation,
            traceparent=traceparent_of(server) or traceparent_of_headers(headers),
            key=key_of(headers),
            pinned=pinned,
        )

    async def _stream(
        self,
        asking: Asking,
        body: Body,
        first: Sequence[BatchRow],
        rest: AsyncIterator[list[BatchRow]],
        answers: Answers,
        send: Send,
    ) -> None:
        """Read, decide and answer side by side."""
        spool = Spool()
        batch = BatchCall(self._gateway, asking, body, self._seats)
        out = {
            "X-Correlation-ID": asking.correlation_id,
            "Content-Type": answers.content_type,
            "RateLimit-Policy": self._gateway.admission.policy,
        }
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(batch.take_in(first, rest))
                group.create_task(batch.answer(answers, spool))
                group.create_task(_deliver(spool, out, send))
        finally:
            spool.close()


async def _deliver(spool: Spool, out: Mapping[str, str], send: Send) -> None:
    await begin(send, 200, out)
    while content := await spool.read():
        await send({"type": "http.response.body", "body": content, "more_body": True})
    await send({"type": "http.response.body", "body": b""})

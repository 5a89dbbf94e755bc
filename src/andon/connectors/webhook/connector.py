"""Webhooks: a signed POST to a destination (Standard Webhooks), one attempt a call.

What is known of a failed attempt depends on how far it got: before the body was on its way the receiver certainly has
nothing; from then on it may have.
"""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from andon.actions.ports import Answer, AnswerKind, Delivery, Destination
from andon.connectors.webhook.answers import answer_of
from andon.connectors.webhook.signing import SecretInvalid, Signer
from andon.kernel.addresses import AddressRefused, Resolve, refuse_private, resolve
from andon.kernel.clock import Clock
from andon.version import __version__

_BODY_LIMIT = 64 * 1024
"""A longer answer is not read to its end; the connection is closed instead."""

_KEPT_FOR = timedelta(seconds=30)
_RESOLVED_FOR = timedelta(seconds=30)


class WebhookConnector:
    """Delivers by HTTP POST, keeping connections to each destination open. `tls` says whom to trust, if not the public authorities."""

    def __init__(self, clock: Clock, *, tls: ssl.SSLContext | None = None, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._tls = tls
        self._resolve = resolve
        self._routes: dict[Destination, _Route] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """POST the decision once."""
        try:
            route = self._route(delivery.destination)
        except (SecretInvalid, httpx.InvalidURL) as error:
            return Answer(AnswerKind.REFUSED, f"[destinations.{delivery.destination.name}] cannot be used: {error}")
        progress = _Progress()
        try:
            async with asyncio.timeout(delivery.destination.timeout.total_seconds()):
                await self._post(route, delivery, progress)
        except AddressRefused as refused:
            return _refused(delivery.destination, refused)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            if progress.answer is None:
                return _no_answer(error, progress, route)
        return progress.answer or Answer(AnswerKind.UNKNOWN, "sent, but no answer came")

    async def close(self) -> None:
        """Close all connections."""
        routes, self._routes = self._routes, {}
        for route in routes.values():
            await route.close()

    async def _post(self, route: "_Route", delivery: Delivery, progress: "_Progress") -> None:
        refused: httpx.ConnectError | None = None
        for address in await route.reachable(self._clock, self._resolve):
            try:
                await self._post_to(address, route, delivery, progress)
            except httpx.ConnectError as error:
                refused = error  # nobody there: the next address of the host may answer
            else:
                return
        if refused is not None:
            raise refused

    async def _post_to(self, address: str, route: "_Route", delivery: Delivery, progress: "_Progress") -> None:
        body = body_of(delivery)
        async with (
            route.client() as client,
            client.stream(
                "POST",
                route.url.copy_with(host=address),
                content=body,
                headers=self._headers(route, delivery, body),
                extensions={"sni_hostname": route.url.host, "trace": progress.trace},
            ) as response,
        ):
            now = self._clock.now()
            progress.answer = answer_of(response.status_code, response.headers.get("retry-after"), now=now)
            await _drain(response)

    def _headers(self, route: "_Route", delivery: Delivery, body: bytes) -> dict[str, str]:
        key, timestamp = str(delivery.key), int(self._clock.now().timestamp())
        context = {"x-correlation-id": delivery.correlation_id, "traceparent": delivery.traceparent}
        return {
            "host": route.url.netloc.decode("ascii"),
            "content-type": "application/json",
            "user-agent": f"andon/{__version__}",
            "webhook-id": key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": route.signer.sign(key, timestamp, body),
            **{name: value for name, value in context.items() if value and value.isascii() and value.isprintable()},
        }

    def _route(self, destination: Destination) -> "_Route":
        route = self._routes.get(destination)
        if route is None:
            url = httpx.URL(destination.url)
            if url.scheme not in ("http", "https") or not url.host:
                raise httpx.InvalidURL("the url is not http:// or https:// with a host")
            if not destination.secrets:
                raise SecretInvalid("there is no signing secret; set secret_env")
            if self._tls is None:
                self._tls = httpx.create_ssl_context(trust_env=False)
            route = self._routes[destination] = _Route(destination, url, Signer(destination.secrets), self._tls)
        return route


@dataclass(slots=True)
class _Route:
    """The way to one destination: its own connections, so that none is ever shared between two hosts of one address.

    Each connection is a client of its own: the library's pool looks at all its connections several times a request.
    """

    destination: Destination
    url: httpx.URL
    signer: Signer
    tls: ssl.SSLContext
    idle: list[httpx.AsyncClient] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    resolved_at: float = 0.0

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client nobody else uses meanwhile, the one used last first."""
        client = self.idle.pop() if self.idle else self._new_client()
        try:
            yield client
        finally:
            self.idle.append(client)

    async def close(self) -> None:
        """Close all connections that are not in use."""
        while self.idle:
            await self.idle.pop().aclose()

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self.tls,
            trust_env=False,
            follow_redirects=False,
            timeout=self.destination.timeout.total_seconds(),
            limits=httpx.Limits(max_connections=1, keepalive_expiry=_KEPT_FOR.total_seconds()),
        )

    async def reachable(self, clock: Clock, resolve: Resolve) -> Sequence[str]:
        """The checked addresses to connect to. Raises AddressRefused, OSError."""
        now = clock.now().timestamp()
        if not self.addresses or not 0 <= now - self.resolved_at < _RESOLVED_FOR.total_seconds():
            port = self.url.port or (443 if self.url.scheme == "https" else 80)
            addresses = await resolve(self.url.host, port)
            if not self.destination.allow_private:
                refuse_private(addresses)
            self.addresses = addresses
            self.resolved_at = now
        return self.addresses


@dataclass(slots=True)
class _Progress:
    """How far an attempt got."""

    sent: bool = False
    answer: Answer | None = None

    async def trace(self, event: str, _: Mapping[str, Any]) -> None:
        """Hear from the HTTP client what it does."""
        if event.endswith("send_request_body.started"):
            self.sent = True


def body_of(delivery: Delivery) -> bytes:
    """The body of a delivery: the same bytes at each attempt."""
    event = {
        "type": f"decision.{delivery.outcome}",
        "timestamp": delivery.created_at.isoformat(),
        "data": delivery.data,
    }
    return json.dumps(event, separators=(",", ":")).encode()


async def _drain(response: httpx.Response) -> None:
    """Read a short answer to its end, so that the connection can be used again."""
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > _BODY_LIMIT:
            return


def _refused(destination: Destination, refused: AddressRefused) -> Answer:
    return Answer(
        AnswerKind.REFUSED,
        f"the host leads to {refused}, which is not a public address; "
        f"if that is meant, set allow_private = true under [destinations.{destination.name}]",
    )


def _no_answer(error: Exception, progress: _Progress, route: _Route) -> Answer:
    if progress.sent:
        return Answer(AnswerKind.UNKNOWN, f"sent, but no answer came ({_words(error, route)})")
    route.addresses = []  # ask for the name again next time
    return Answer(AnswerKind.FAILED, f"could not be sent ({_words(error, route)})")


def _words(error: Exception, route: _Route) -> str:
    """An error for people; never its own text, which may hold parts of the request."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"timeout after {route.destination.timeout.total_seconds():g} s"
    if isinstance(error, socket.gaierror):
        return f"no address for host {route.url.host}"
    return type(error).__name__

"""A real receiver of webhooks on loopback: keeps each delivery once by its `webhook-id`, checks signatures.

    with Receiver(secret) as receiver:
        receiver.plan(Reply(500), HangUp())      # for the next two requests; afterwards it accepts again
        ... deliver to receiver.url ...
        assert receiver.wait_for(1)

It runs in a thread of its own, so that tests may block and the product may use any event loop.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httptools

SECRET = "whsec_" + base64.b64encode(b"a secret only for tests, 32 bytes").decode()


@dataclass(frozen=True)
class Reply:
    """Answer with a status; only 2xx takes the delivery."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Slow:
    """Take the delivery, but answer only after a while."""

    seconds: float


@dataclass(frozen=True)
class HangUp:
    """Take the delivery, but close the connection instead of answering."""


Behaviour = Reply | Slow | HangUp


@dataclass
class Received:
    """One delivery, as it first came; `times` counts how often it came in all."""

    id: str
    headers: Mapping[str, str]
    body: bytes
    times: int = 1

    @property
    def event(self) -> dict[str, Any]:
        """The body as values."""
        event: dict[str, Any] = json.loads(self.body)
        return event


class Receiver:
    """Listens on a free port of 127.0.0.1 (or `port`) between `start` and `stop`.

    With `secret=None` signatures are not checked.
    """

    def __init__(self, secret: str | None = SECRET, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.received: dict[str, Received] = {}
        self.requests = 0
        self.forged = 0
        self.connections = 0
        self._secret = secret
        self._port = port
        self._tls = tls
        self._plan: deque[Behaviour] = deque()
        self._always: Behaviour = Reply()
        self._changed = threading.Condition()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def url(self) -> str:
        """Where to deliver."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self._port}/hook"

    def plan(self, *behaviours: Behaviour) -> None:
        """Plan the behaviour for the next requests, one each; then it goes on as before."""
        with self._changed:
            self._plan.extend(behaviours)

    def plan_nothing(self) -> None:
        """Go on as before at once."""
        with self._changed:
            self._plan.clear()

    def always(self, behaviour: Behaviour) -> None:
        """Set the behaviour for every request without a plan."""
        with self._changed:
            self._always = behaviour

    def wait_for(self, count: int, *, within: float = 10) -> bool:
        """Whether `count` different deliveries have been taken before the time is up."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.received) >= count, within)

    def wait_for_requests(self, count: int, *, within: float = 10) -> bool:
        """Whether `count` requests have come before the time is up."""
        with self._changed:
            return self._changed.wait_for(lambda: self.requests >= count, within)

    def taken(self) -> dict[str, Received]:
        """All deliveries until now; what comes later is not in it."""
        with self._changed:
            return dict(self.received)

    def start(self) -> Self:
        """Listen."""
        self._thread.start()
        self._started.wait()
        return self

    def stop(self) -> None:
        """Listen no more; open connections are closed."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    __enter__ = start

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def judge(self, headers: Mapping[str, str], body: bytes) -> Behaviour:
        """Look at one request and say what to do with it."""
        with self._changed:
            self.requests += 1
            behaviour = self._judge(headers, body)
            self._changed.notify_all()
            return behaviour

    def _judge(self, headers: Mapping[str, str], body: bytes) -> Behaviour:
        if self._secret is not None and not is_genuine(self._secret, headers, body):
            self.forged += 1
            return Reply(401)
        behaviour = self._plan.popleft() if self._plan else self._always
        if not isinstance(behaviour, Reply) or 200 <= behaviour.status < 300:
            key = headers["webhook-id"]
            if key in self.received:
                self.received[key].times += 1
            else:
                self.received[key] = Received(key, headers, body)
        return behaviour

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._transports: set[asyncio.Transport] = set()
        server = await self._loop.create_server(
            lambda: _Connection(self, self._transports), "127.0.0.1", self._port, ssl=self._tls
        )
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopped.wait()
        server.close()
        for transport in list(self._transports):
            transport.abort()
        await server.wait_closed()


class _Connection(asyncio.Protocol):
    def __init__(self, receiver: Receiver, transports: set[asyncio.Transport]) -> None:
        self._receiver = receiver
        self._transports = transports
        self._headers: dict[str, str] = {}
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._transports.add(transport)
        self._receiver.connections += 1
        self._parser = httptools.HttpRequestParser(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        headers, self._headers = self._headers, {}
        body, self._body = self._body, b""
        behaviour = self._receiver.judge(headers, body)
        if isinstance(behaviour, HangUp):
            self._transport.abort()
        elif isinstance(behaviour, Slow):
            asyncio.get_running_loop().call_later(behaviour.seconds, self._answer, Reply())
        else:
            self._answer(behaviour)

    def _answer(self, reply: Reply) -> None:
        headers = {"content-length": str(len(reply.body)), **reply.headers} if reply.status != 204 else reply.headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._transport.write(f"HTTP/1.1 {reply.status} Planned\r\n{lines}\r\n".encode() + reply.body)


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes, *, tolerance: float = 300) -> bool:
    """Whether a request was signed with `secret` within the last `tolerance` seconds (Standard Webhooks)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > tolerance:
        return False
    signed = f"{headers.get('webhook-id', '')}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected, one) for one in given)

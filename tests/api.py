"""A real HTTP API on loopback, like a core system's: tokens by client credentials, one resource per key, faults.

with Api("client", "secret") as api:
    ... PUT or POST to api.url + "/deliveries..." with `Authorization: Bearer TOKEN` and `Idempotency-Key` ...
    api.taken["key"]        # how often it was taken
"""

import asyncio
import base64
import json
import secrets
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httptools

from receiver import Behaviour, HangUp, Reply, Slow


@dataclass(frozen=True)
class Request:
    """One request that was let in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Api:
    """Listens on a free port of 127.0.0.1 while the context lasts. With a `key`, `X-Key` lets in as well."""

    def __init__(self, client: str, secret: str) -> None:
        self.taken: dict[str, int] = {}
        self.requests: list[Request] = []
        self.tokens_given = 0
        self.connections = 0
        self.token = ""
        self.key = ""
        self.unwell = False
        self._basic = "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()
        self._plan: deque[Behaviour] = deque()
        self._port = 0
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    def plan(self, *behaviours: Behaviour) -> None:
        """Plan the behaviour for the next admitted requests that change something."""
        self._plan.extend(behaviours)

    def revoke(self) -> None:
        """Revoke the token that was given."""
        self.token = ""

    def judge(self, request: Request) -> Behaviour:
        """Look at one request and say what to do with it."""
        if request.path == "/token":
            return self._give_token(request)
        known = self.token and request.headers.get("authorization") == f"Bearer {self.token}"
        if not known and not (self.key and request.headers.get("x-key") == self.key):
            return Reply(401)
        if self.unwell:
            return Reply(500)
        if request.method == "GET":
            return Reply(200 if request.path.rpartition("/")[2] in self.taken else 404)
        self.requests.append(request)
        behaviour = self._plan.popleft() if self._plan else Reply()
        if not isinstance(behaviour, Reply) or behaviour.status < 300:
            key = request.headers["idempotency-key"]
            self.taken[key] = self.taken.get(key, 0) + 1
        return behaviour

    def _give_token(self, request: Request) -> Reply:
        if request.headers.get("authorization") != self._basic or b"client_credentials" not in request.body:
            return Reply(401, body=b'{"error": "invalid_client"}')
        self.tokens_given += 1
        self.token = secrets.token_urlsafe()
        told = {"access_token": self.token, "token_type": "Bearer", "expires_in": 3600}
        return Reply(200, body=json.dumps(told).encode())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        transports: set[asyncio.Transport] = set()
        server = await self._loop.create_server(lambda: _Connection(self, transports), "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopped.wait()
        server.close()
        for transport in list(transports):
            transport.abort()
        await server.wait_closed()

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()


class _Connection(asyncio.Protocol):
    def __init__(self, api: Api, transports: set[asyncio.Transport]) -> None:
        self._api = api
        self._transports = transports
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = b""
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._transports.add(transport)
        self._api.connections += 1

    def connection_lost(self, _: Exception | None) -> None:
        self._transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        request = Request(self._parser.get_method().decode(), self._url.decode(), self._headers, self._body)
        self._url, self._headers, self._body = b"", {}, b""
        behaviour = self._api.judge(request)
        if isinstance(behaviour, HangUp):
            self._transport.abort()
        elif isinstance(behaviour, Slow):
            asyncio.get_running_loop().call_later(behaviour.seconds, self._answer, Reply())
        else:
            self._answer(behaviour)

    def _answer(self, reply: Reply) -> None:
        length = "" if reply.status == 204 else f"content-length: {len(reply.body)}\r\n"
        self._transport.write(f"HTTP/1.1 {reply.status} Planned\r\n{length}\r\n".encode() + reply.body)

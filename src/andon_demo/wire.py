"""A minimal HTTP/1.1 client, so that measurements show the server: keep-alive, one request at a time."""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import cast
from urllib.parse import urlsplit

import httptools


@dataclass(frozen=True, slots=True)
class Answer:
    """The response."""

    status: int
    body: bytes


class ConnectionLost(Exception):
    """The server closed the connection before it answered."""


class Connection(asyncio.Protocol):
    """One connection. `async with await Connection.to(url) as connection: await connection.send(request)`."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    @classmethod
    async def to(cls, url: str) -> "Connection":
        """Connect to the host and port of `url`, within five seconds."""
        host, port = urlsplit(url).hostname, urlsplit(url).port
        assert host is not None
        assert port is not None
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            _, connection = await loop.create_connection(cls, host, port)
        return connection

    async def send(self, request: bytes) -> Answer:
        """Send a whole request (see `request`) and wait at most thirty seconds.

        Raises ConnectionLost or TimeoutError.
        """
        if self._transport is None or self._transport.is_closing():
            raise ConnectionLost
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Answer] = loop.create_future()
        self._waiting = waiting
        bound = loop.call_later(30, self._give_up)
        try:
            self._transport.write(request)
            return await waiting
        finally:
            bound.cancel()

    def close(self) -> None:
        """Close the connection immediately."""
        if self._transport is not None:
            self._transport.close()

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # asyncio calls these
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._fail(ConnectionLost())

    # httptools calls these
    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        answer = Answer(self._parser.get_status_code(), b"".join(self._body))
        self._body.clear()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def _give_up(self) -> None:
        self._fail(TimeoutError())
        self.close()

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)


def request(method: str, url: str, *, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return the bytes of a request."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

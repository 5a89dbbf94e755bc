"""The core banking system of the demo: takes signed webhooks and counts each action once, by its key."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httptools


class CoreBanking:
    """What has arrived. `forged` counts deliveries whose signature was wrong; they are refused."""

    def __init__(self, secret: str) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self.actions: set[str] = set()
        self.forged = 0

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        """Listen on a port of this machine as long as the context lasts."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port)
        try:
            yield
        finally:
            server.close()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """One delivery; the status to answer with."""
        identifier = headers.get("webhook-id", "")
        signed = f"{identifier}.{headers.get('webhook-timestamp', '')}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()
        if not any(hmac.compare_digest(expected, one) for one in headers.get("webhook-signature", "").split()):
            self.forged += 1
            return 401
        self.actions.add(identifier)
        return 204


class _Connection(asyncio.Protocol):
    def __init__(self, bank: CoreBanking) -> None:
        self._bank = bank
        self._headers: dict[str, str] = {}
        self._body = b""
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self._body += part

    def on_message_complete(self) -> None:
        status = self._bank.take(self._headers, self._body)
        self._headers, self._body = {}, b""
        self._transport.write(f"HTTP/1.1 {status} \r\n{'' if status == 204 else 'content-length: 0'}\r\n\r\n".encode())

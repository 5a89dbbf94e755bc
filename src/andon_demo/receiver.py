"""The core banking system of the demo: receives signed webhooks, counts each action once by its key, asks customers."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from types import TracebackType

import httptools


class CoreBanking:
    """The deliveries received on `port` during the context. `forged` counts wrong signatures, which are refused.

    `asked` are the procedures that wait for a customer, `ended` those that have released or confirmed.
    """

    def __init__(self, secret: str, port: int) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self.port = port
        self.actions: set[str] = set()
        self.asked: dict[str, None] = {}
        self.ended: set[str] = set()
        self.forged = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "CoreBanking":
        self._thread.start()
        listening = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Receive a delivery and return the status of the answer."""
        identifier = headers.get("webhook-id", "")
        signed = f"{identifier}.{headers.get('webhook-timestamp', '')}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()
        if not any(hmac.compare_digest(expected, one) for one in headers.get("webhook-signature", "").split()):
            self.forged += 1
            return 401
        self.actions.add(identifier)
        event = json.loads(body)
        procedure = event["data"].get("procedure")
        if event["type"] == "decision.notify-customer":
            self.asked[procedure] = None
        elif procedure is not None and event["type"] in ("decision.release", "decision.confirm"):
            self.ended.add(procedure)
        return 200


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
        self._transport.write(f"HTTP/1.1 {status} Received\r\nContent-Length: 0\r\n\r\n".encode())

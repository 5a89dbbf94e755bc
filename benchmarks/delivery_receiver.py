"""A receiver for `script/bench delivery`: checks each signature, counts each key, and fails at a given rate.

A separate process: `python -m benchmarks.delivery_receiver PORT SECRET`. `POST /hook` accepts a delivery; `GET /counts`
returns and resets the counts, `GET /counts?fail=0.3` also fails three in ten from now on.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import random
import sys
import time
from typing import cast
from urllib.parse import parse_qs, urlsplit

import httptools
import uvloop


class Counts:
    """The counts since they were last read."""

    def __init__(self, secret: str) -> None:
        self.key = base64.b64decode(secret.removeprefix("whsec_"))
        self.fail = 0.0
        self.draw = random.Random(7)
        self.reset()

    def reset(self) -> None:
        """Reset the counts."""
        self.requests = self.taken = self.forged = 0
        self.times: dict[str, int] = {}
        self.first_at = self.last_at = 0.0

    def take(self, headers: dict[bytes, bytes], body: bytes) -> int:
        """Receive a delivery and return the status of the answer."""
        identifier = headers.get(b"webhook-id", b"")
        signed = identifier + b"." + headers.get(b"webhook-timestamp", b"") + b"." + body
        expected = b"v1," + base64.b64encode(hmac.digest(self.key, signed, hashlib.sha256))
        self.last_at = time.time()
        self.first_at = self.first_at or self.last_at
        self.requests += 1
        key = identifier.decode()
        self.times[key] = self.times.get(key, 0) + 1
        if not hmac.compare_digest(expected, headers.get(b"webhook-signature", b"")):
            self.forged += 1
            return 401
        if self.fail and self.draw.random() < self.fail:
            return 503
        self.taken += 1
        return 204

    def told(self) -> bytes:
        """Return the figures as JSON."""
        firsts = len(self.times)
        return json.dumps(
            {
                "requests": self.requests,
                "firsts": firsts,
                "retries": self.requests - firsts,
                "taken": self.taken,
                "forged": self.forged,
                "seconds": self.last_at - self.first_at,
            }
        ).encode()


class _Connection(asyncio.Protocol):
    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._headers: dict[bytes, bytes] = {}
        self._body = b""
        self._url = b""
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one, but its types do not say so

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, part: bytes) -> None:
        self._body += part

    def on_message_complete(self) -> None:
        headers, body, url = self._headers, self._body, self._url.decode()
        self._headers, self._body, self._url = {}, b"", b""
        if not url.startswith("/counts"):
            self._transport.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % self._counts.take(headers, body))
            return
        told = self._counts.told()
        for share in parse_qs(urlsplit(url).query).get("fail", []):
            self._counts.fail = float(share)
            self._counts.reset()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told)


async def _serve(port: int, secret: str) -> None:
    counts = Counts(secret)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(counts), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2]))

"""uvicorn's HTTP protocol with the bounds it lacks: how long a head may be, and how long a request may take to arrive.

A request costs one look at a flag here; a timer runs only for one that came in pieces.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 65_536
"""A request line with its headers may be as long as this and what one more read brings."""

ARRIVAL_SECONDS = 20.0
"""A request has to be there whole so long after its first byte, a first byte so long after the connection."""


class Wire(HttpToolsProtocol):
    """One connection. What is refused here never reaches the application, and of what breaks off nothing is done."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = True
        self._arriving = True
        self._head = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first byte, but not for ever."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(ARRIVAL_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then see whether a request is still on its way."""
        super().data_received(data)
        if not self._arriving:
            return
        if self._deadline is None:
            self._deadline = self.loop.call_later(ARRIVAL_SECONDS, self._too_slow)
        if self._in_head:
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"The head is longer than {HEAD_BYTES} bytes")

    # httptools calls these
    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._arriving = self._in_head = True
        self._head = 0

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._arriving = False
        self._wait_no_more()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a problem document as well."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _too_slow(self) -> None:
        self._deadline = None
        if self._in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"The request was not there within {ARRIVAL_SECONDS:g} s")
        else:
            self.transport.close()

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        self._arriving = False
        self._wait_no_more()
        if self.transport.is_closing():
            return
        words = status.phrase.split()
        content = {
            "type": "urn:andon:problem:" + "-".join(words).lower(),
            "title": status.phrase.capitalize(),
            "status": status.value,
            "detail": detail,
            "instance": f"urn:andon:correlation:{uuid4().hex}",
            "code": "".join(words),
        }
        body = json.dumps(content).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

"""uvicorn's HTTP protocol with the bounds it lacks: how long a head may be, and how long a request may take to arrive.

A request that comes whole costs one look at a flag. A timer runs only for one that comes in pieces.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from andon.wire import soundness
from andon.wire.state import WireState

HEAD_BYTES = 65_536
"""Longest request line with its headers. The read that goes beyond it is the last."""

ARRIVAL_SECONDS = 20.0
"""Time from the first byte of a request to its last, and from a new connection to its first byte."""

STREAMED = b":batch"
"""End of the addresses whose bodies may take longer. Each ARRIVAL_SECONDS must bring a part of the body."""


class BoundedConnection(HttpToolsProtocol):
    """One connection. What is refused here never reaches the application; a request that breaks off has no effect."""

    server_state: WireState

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._receiving = True
        """Whether a request is incomplete, or the first one has not begun."""
        self._in_head = True
        self._head_bytes = 0
        self._fault: str | None = None
        self._is_streamed = self._has_moved = False
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether no request is under way and none has begun to arrive."""
        return self._is_answered() and (not self._receiving or (self._in_head and self._head_bytes == 0))

    def make_last(self) -> None:
        """Close the connection with the newest answer that has not begun."""
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete and not getattr(cycle, "response_started", False):
            cycle.keep_alive = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first byte, for ARRIVAL_SECONDS."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(ARRIVAL_SECONDS, self._expire)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._end_receiving()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then bound a request that is still incomplete."""
        super().data_received(data)
        if self._receiving:
            if self._deadline is None:
                self._deadline = self.loop.call_later(ARRIVAL_SECONDS, self._expire)
            if self._in_head:
                self._head_bytes += len(data)
                if self._head_bytes > HEAD_BYTES:
                    detail = f"The head is longer than {HEAD_BYTES} bytes"
                    self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
        if self.server_state.draining:
            self.make_last()

    # httptools calls these
    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._receiving = self._in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Check the head, then open the request. Raises ValueError, which the parser reports as bad HTTP."""
        self._fault = soundness.fault_of(self.parser.get_http_version(), self.headers)
        if self._fault is not None:
            raise ValueError(self._fault)
        self._in_head = False
        self._is_streamed = self.url.partition(b"?")[0].endswith(STREAMED)
        self._open()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._has_moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Complete a request."""
        self._end_receiving()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP with a problem document, as every other error."""
        self._refuse(HTTPStatus.BAD_REQUEST, self._fault or msg)

    def _open(self) -> None:
        """Give the request to the application."""
        super().on_headers_complete()

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _end_receiving(self) -> None:
        self._receiving = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        if self._may_take_longer():
            self._has_moved = False
            self._deadline = self.loop.call_later(ARRIVAL_SECONDS, self._expire)
        elif self._in_head or not getattr(self.cycle, "response_started", False):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"The request did not arrive within {ARRIVAL_SECONDS:g} s")
        else:
            self.transport.close()

    def _may_take_longer(self) -> bool:
        """Say whether the rest of a body is late through no fault of its caller.

        It waits behind another request, or it is a streamed body that moves or that the application does not read yet.
        """
        if self._in_head or self.cycle.response_complete:
            return False
        return bool(self.pipeline) or (self._is_streamed and (self._has_moved or self.flow.read_paused))

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer with a problem document and close the connection."""
        is_open = self._receiving and not self._in_head
        self._end_receiving()
        if self.transport.is_closing():
            return
        if not is_open and not self._is_answered():
            # An earlier request is unanswered. A refusal now would look like its answer, so close after that one.
            self.cycle.keep_alive = False
            self.flow.pause_reading()
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

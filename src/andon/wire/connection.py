"""Connection of the wire: a bounded connection with a short way to the direct route of the application.

A small whole request to that route is handed over by one call and answered by one write, without scope, task or
message. If its head has the bytes of an earlier one, it is not parsed either. Every other request takes the ASGI way.
"""

import asyncio
import math
from functools import partial
from http import HTTPStatus
from typing import Any

from andon.wire.bounds import BoundedConnection
from andon.wire.headers import headers_of_lines
from andon.wire.held import HeldRequest
from andon.wire.seam import DirectRoute
from andon.wire.shedder import REFUSAL, target_of
from andon.wire.state import KnownHead

DIRECT_BYTES = 65_536
"""Longest body on the short way."""

KEEP_ALIVE_SECONDS = 75.0
"""Idle time after which a connection that took the short way is closed."""

HEAD_KEPT_BYTES = 2_048
"""Longest head that is remembered."""

_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class WireConnection(BoundedConnection):
    """One connection of any server of Andon. Without a direct route it is a bounded connection and nothing more."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._route: DirectRoute[Any] | None = getattr(self.app, "direct", None)
        self._head_text = b""
        """Bytes of the head that the parser reads now, if they may be remembered."""
        self._used_at = -math.inf
        self._idle: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timers."""
        if self._idle is not None:
            self._idle.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a whole request by the short way, or feed the parser."""
        if self._route is None or not self._is_taken(self._route, data):
            super().data_received(data)
            self._head_text = b""
        elif self.server_state.draining:
            self.make_last()

    # A parked connection (`Parkable`)
    def descriptor(self) -> int | None:
        """Return the socket's number if nothing is left to write; None if it is closed."""
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            return None
        descriptor: int = self.transport.get_extra_info("socket").fileno()
        return descriptor

    def pause(self) -> None:
        """Stop reading."""
        self.flow.pause_reading()

    def resume(self) -> None:
        """Read again, if the connection is open."""
        if not self.transport.is_closing():
            self.flow.resume_reading()

    # httptools calls these
    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        held: Any = self.cycle
        if isinstance(held, HeldRequest):
            held.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Complete a request. One on the short way is handed over now."""
        text, self._head_text = self._head_text, b""  # of the first request in the data, and of no other
        held: Any = self.cycle
        if self._route is None or not isinstance(held, HeldRequest):
            super().on_message_complete()
            return
        self._end_receiving()
        held.more_body = False
        headers = headers_of_lines(self.headers)
        head = self._route.begin(held.automation, headers, held.body, partial(self._reply, held))
        if head is not None and text:
            self.server_state.remember(text, KnownHead(held.automation, head, len(held.body)))

    def _open(self) -> None:
        """Hold the request if it may take the short way; otherwise give it to the application."""
        automation = None if self._route is None else self._direct_automation(self._route)
        if automation is not None:
            self.cycle = HeldRequest(automation)  # type: ignore[assignment]  # it has all that uvicorn reads
            return
        self._used_at = self.loop.time()
        super()._open()

    def _direct_automation(self, route: DirectRoute[Any]) -> str | None:
        """Name the automation of a request that may take the short way.

        Its caller reads, every request before it is answered, and it is a small POST without anything special.
        """
        if self.flow.write_paused or not self._is_answered():
            return None
        automation = route.automation_of(self.url)
        if automation is None or self.parser.get_method() != b"POST":
            return None
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive() or self.expect_100_continue:
            return None
        for name, value in self.headers:
            if name == b"content-length":
                fits = len(value) < 6 and int(value) <= min(DIRECT_BYTES, route.limit)
                return automation if fits else None
        return None

    def _is_taken(self, route: DirectRoute[Any], data: bytes) -> bool:
        """Take data that is exactly one request with a known head, or refuse one request under overload.

        False leaves the data to the parser. So is data that is not the beginning of a request, and any that comes while
        an earlier request is unanswered.
        """
        if self._receiving and not (self._in_head and self._head_bytes == 0):
            return False
        if self.flow.write_paused or not self._is_answered():
            return False
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            return False
        text = data[:end]
        known = self.server_state.heads.get(text)
        if known is None:
            return self._is_refused_unread(route, text, len(data) - end)
        automation, head, body_bytes = known
        if end + body_bytes != len(data):
            return False
        if route.overload.shedding:
            self._shed(route, automation)
            return True
        self._end_receiving()
        self._unset_keepalive_if_required()
        held = HeldRequest(automation, more_body=False)
        self.cycle = held  # type: ignore[assignment]  # it has all that uvicorn reads
        route.again(head, data[end:], partial(self._reply, held))
        return True

    def _is_refused_unread(self, route: DirectRoute[Any], text: bytes, body_bytes: int) -> bool:
        """Refuse a whole request with an unknown head under overload.

        Otherwise keep its head for the parser's verdict.
        """
        target = target_of(text)
        if target is None or target.body_bytes != body_bytes:
            return False
        if route.overload.shedding:
            self._shed(route, target.automation)
            return True
        self._head_text = text if len(text) <= HEAD_KEPT_BYTES else b""
        return False

    def _shed(self, route: DirectRoute[Any], automation: str) -> None:
        """Refuse one request in a few microseconds, and park the connection if its caller comes too often."""
        self._end_receiving()
        self._unset_keepalive_if_required()
        route.overload.tally(automation, 1)
        self.transport.write(REFUSAL)
        self.server_state.total_requests += 1
        answered_before = self._used_at
        self._keep_alive()
        parking = self.server_state.parking
        if parking is not None and not self.server_state.draining:
            parking.refused(self, self._used_at, answered_before)

    def _reply(self, held: HeldRequest, status: int, lines: str, body: bytes) -> None:
        """Answer a held request, then start the next one in the pipeline."""
        held.response_complete = True
        transport = self.transport
        if transport.is_closing():
            return
        end = "" if held.keep_alive else "connection: close\r\n"
        text = f"{_STATUS[status]}{lines}{end}content-length: {len(body)}\r\n\r\n"
        transport.write(text.encode("latin-1") + body)
        self.server_state.total_requests += 1
        if not held.keep_alive:
            transport.close()
        elif self.pipeline:
            self.on_response_complete()
        else:
            self._keep_alive()

    def _keep_alive(self) -> None:
        """Note the use. One timer a connection serves all its requests, where uvicorn sets one for each."""
        self._used_at = self.loop.time()
        if self._idle is None:
            self._idle = self.loop.call_later(KEEP_ALIVE_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        self._idle = None
        left = self._used_at + KEEP_ALIVE_SECONDS - self.loop.time()
        if left > 0 or self._receiving or not self._is_answered():
            self._idle = self.loop.call_later(max(left, 1.0), self._close_if_idle)
        else:
            self.transport.close()

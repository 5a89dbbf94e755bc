"""uvicorn's HTTP protocol with the bounds it lacks, and a short way for the hot route.

Bounds: how long a head may be, and how long a request may take to arrive. A request costs one look at a flag for them; a
timer runs only for one that came in pieces. The short way: a small request to a route that the application takes directly
(`direct`, see gateway/decide.py) is handed over whole, without a scope, a task and an event; its answer is written at once.
"""

import asyncio
import json
import math
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from andon.bootstrap import soundness
from andon.bootstrap.hold import Hold
from andon.bootstrap.parking import Parking
from andon.bootstrap.shedder import REFUSAL, asked_in
from andon.gateway.asgi import headers_of_lines

HEAD_BYTES = 65_536
"""A request line with its headers may be as long as this and what one more read brings."""

ARRIVAL_SECONDS = 20.0
"""A request has to be there whole so long after its first byte, a first byte so long after the connection."""

STREAMED = b":batch"
"""How the address of a request ends that may take longer: of its body something has to come in each such time."""

DIRECT_BYTES = 65_536
"""A body up to this size may go the short way."""

KEEP_ALIVE_SECONDS = 75.0
"""How long a connection that went the short way may be idle."""

KNOWN_BYTES = 2_048
"""A head up to this size may be remembered."""

_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class Wire(HttpToolsProtocol):
    """One connection. What is refused here never reaches the application, and of what breaks off nothing is done."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.ending = False
        """Whether the server ends, so that each answer is the last on its connection."""
        self.parking: Parking | None = None
        self._in_head = True
        self._arriving = True
        self._head = 0
        self._fault: str | None = None
        """What is wrong with the newest head."""
        self._streams = self._came = False
        self._deadline: asyncio.TimerHandle | None = None
        self._direct: Any = getattr(self.app, "direct", None)
        self._text = b""
        self._known_hold: Any = None
        """What holds a request whose head was seen before, and what it is answered with: one after the other."""
        self._last_use = -math.inf
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first byte, but not for ever."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(ARRIVAL_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        if self._idle is not None:
            self._idle.cancel()
        self._known_hold = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then see whether a request is still on its way."""
        if self._direct is None or not self._is_taken_whole(data):
            self._parse(data)
        if self.ending:
            self.make_last()

    def make_last(self) -> None:
        """Let the newest answer that is still to come say that the connection closes."""
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete and not getattr(cycle, "response_started", False):
            cycle.keep_alive = False

    def _parse(self, data: bytes) -> None:
        super().data_received(data)
        self._text = b""
        if not self._arriving:
            return
        if self._deadline is None:
            self._deadline = self.loop.call_later(ARRIVAL_SECONDS, self._too_slow)
        if self._in_head:
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"The head is longer than {HEAD_BYTES} bytes")

    def _all_is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_taken_whole(self, data: bytes) -> bool:
        """Take one whole request to the hot route without parsing it: its head was seen before, or too much is waiting.

        What is no such request is parsed as ever, and its head remembered if it turns out to be one. So is what is not the beginning
        of a request, or comes while one before it is under way.
        """
        if self._arriving and not (self._in_head and self._head == 0):
            return False
        cycle: Any = self.cycle
        if self.flow.write_paused or (cycle is not None and not cycle.response_complete):
            return False
        end = data.find(b"\r\n\r\n") + 4
        if end < 4:
            return False
        direct, text = self._direct, data[:end]
        known = direct.heads.get(text)
        if known is None:
            return self._is_refused_unread(text, len(data) - end)
        head, length = known
        if end + length != len(data):
            return False
        if direct.shedding:
            self._shed(head.name)
            return True
        self._arriving = False
        if self._deadline is not None:
            self._wait_no_more()
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        if self._known_hold is None:
            new = Hold(head.name)
            new.more_body = False
            self._known_hold = new, partial(self._reply, new)
        hold, reply = self._known_hold
        hold.keep_alive, hold.response_complete = True, False
        self.cycle = hold
        direct.again(head, data[end:], reply)
        return True

    def _is_refused_unread(self, text: bytes, length: int) -> bool:
        """Refuse a request, of which so many bytes follow this head, if too much is waiting; else let its head be remembered."""
        asked = asked_in(text)
        if asked is None or asked[1] != length:
            return False
        if self._direct.shedding:
            self._shed(asked[0])
            return True
        self._text = text if len(text) <= KNOWN_BYTES else b""
        return False

    def _shed(self, name: str) -> None:
        """Refuse one more in a few microseconds: what this costs is taken from those who are answered.

        Where many are, who asked a moment ago as well is refused elsewhere from now on.
        """
        self._arriving = False
        self._wait_no_more()
        self._unset_keepalive_if_required()
        self._direct.tally_shed(name, 1)
        self.transport.write(REFUSAL)
        self.server_state.total_requests += 1
        before = self._last_use
        self._keep_alive()
        if self.parking is not None and not self.ending:
            self.parking.refused(self, self._last_use, before)

    def descriptor(self) -> int | None:
        """Its socket, with nothing left to write; None when it is closed."""
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            return None
        descriptor: int = self.transport.get_extra_info("socket").fileno()
        return descriptor

    def pause(self) -> None:
        """Read no more, while it is parked."""
        self.flow.pause_reading()

    def resume(self) -> None:
        """Read on, if it is open still."""
        if not self.transport.is_closing():
            self.flow.resume_reading()

    # httptools calls these
    def on_message_begin(self) -> None:
        """A request begins."""
        if self._direct is None:
            super().on_message_begin()
        else:
            self.url = b""
            self.headers = []
            self.expect_100_continue = False
        self._arriving = self._in_head = True
        self._head = 0

    def on_headers_complete(self) -> None:
        """Its head is there. Raises ValueError where it is none; then the parser says that this is no HTTP."""
        self._fault = soundness.fault_of(self.parser.get_http_version(), self.headers)
        if self._fault is not None:
            raise ValueError(self._fault)
        self._in_head = False
        self._streams = self.url.partition(b"?")[0].endswith(STREAMED)
        if self._direct is not None:
            name = self._direct_name()
            if name is not None:
                self.cycle = Hold(name)  # type: ignore[assignment]  # all that uvicorn looks at is there
                return
            self._last_use = self.loop.time()
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, self.expect_100_continue = url, expects
            self.headers.extend(headers)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of its body."""
        hold: Any = self.cycle
        if type(hold) is Hold:
            hold.body += body
        else:
            self._came = True
            super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._arriving = False
        self._wait_no_more()
        text, self._text = self._text, b""  # of the first request in what came, and of no other
        hold: Any = self.cycle
        if type(hold) is not Hold:
            super().on_message_complete()
            return
        hold.more_body = False
        headers = headers_of_lines(self.headers)
        head = self._direct.begin(hold.name, headers, hold.body, partial(self._reply, hold))
        if head is not None and text:
            self._direct.remember(text, head, len(hold.body))

    def _direct_name(self) -> str | None:
        """Whose hot route this request asks, if it may go the short way: nothing before it unanswered, small, nothing special.

        Nor does one whose caller does not read: on the way through ASGI the next waits until what was written is taken.
        """
        if self.flow.write_paused or not self._all_is_answered():
            return None
        match = self._direct.path(self.url)
        if match is None or self.parser.get_method() != b"POST":
            return None
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive() or self.expect_100_continue:
            return None
        for name, value in self.headers:
            if name == b"content-length":
                fits = len(value) < 6 and int(value) <= min(DIRECT_BYTES, self._direct.limit)
                return match if fits else None
        return None

    def _reply(self, hold: Hold, status: int, lines: str, body: bytes) -> None:
        """Answer a request that was held, and take the next."""
        hold.response_complete = True
        transport = self.transport
        if transport.is_closing():
            return
        end = "" if hold.keep_alive else "connection: close\r\n"
        text = f"{_STATUS[status]}{lines}{end}content-length: {len(body)}\r\n\r\n"
        transport.write(text.encode("latin-1") + body)
        self.server_state.total_requests += 1
        if not hold.keep_alive:
            transport.close()
        elif self.pipeline:
            self.on_response_complete()
        else:
            self._keep_alive()

    def _keep_alive(self) -> None:
        self._last_use = self.loop.time()
        if self._idle is None:
            self._idle = self.loop.call_later(KEEP_ALIVE_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        self._idle = None
        left = self._last_use + KEEP_ALIVE_SECONDS - self.loop.time()
        if left > 0 or self._arriving or not self._all_is_answered():
            self._idle = self.loop.call_later(max(left, 1.0), self._close_if_idle)
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a problem document as well."""
        self._refuse(HTTPStatus.BAD_REQUEST, self._fault or msg)

    def _too_slow(self) -> None:
        self._deadline = None
        if self._is_coming():
            self._came = False
            self._deadline = self.loop.call_later(ARRIVAL_SECONDS, self._too_slow)
        elif self._in_head or not getattr(self.cycle, "response_started", False):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"The request was not there within {ARRIVAL_SECONDS:g} s")
        else:
            self.transport.close()

    def _is_coming(self) -> bool:
        """Whether it is not its caller who holds up the rest of a body: it waits behind another request, or is read as it is decided."""
        if self._in_head or self.cycle.response_complete:
            return False
        return bool(self.pipeline) or (self._streams and (self._came or self.flow.read_paused))

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        begun = self._arriving and not self._in_head
        self._arriving = False
        self._wait_no_more()
        if self.transport.is_closing():
            return
        if not begun and not self._all_is_answered():
            # Those before it are answered first: this must not look like the answer to one of them.
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

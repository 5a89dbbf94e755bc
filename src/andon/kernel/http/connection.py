"""A kept connection: a request, its answer, and whether another request may follow. All waits are bounded."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import httptools

HEAD_LIMIT = 64 * 1024
"""The longest head of a valid answer."""

BODY_LIMIT = 64 * 1024
"""The longest body that is read to its end; beyond it, the connection is closed."""

DRAIN_SECONDS = 5.0
"""The longest time for the rest of an answer whose status is known."""


class Lost(Exception):
    """Before an answer arrived, the connection ended or received something other than HTTP."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. `headers` have lower-case names; `body` is filled on request, up to the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Connection(asyncio.Protocol):
    """A connection, for one request at a time. `idle` is called whenever another may follow."""

    def __init__(self, idle: Callable[["Connection"], None]) -> None:
        self._idle = idle
        self._parser = httptools.HttpResponseParser(self)
        self._answered: asyncio.Future[Response] | None = None
        self._draining: asyncio.TimerHandle | None = None
        self.is_open = False
        self._reset()

    async def exchange(self, request: bytes, *, whole: bool) -> Response:
        """Send a request. Return the answer once its head is there, with `whole` its body too. Raises Lost."""
        self._reset()
        self._whole = whole
        self._busy = True
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._answered = answered
        self._transport.write(request)
        try:
            return await answered
        finally:
            if not answered.done() or answered.cancelled():
                self.abort()  # nobody is waiting now; after an answer, this connection may already have another user

    def abort(self) -> None:
        """Close immediately."""
        self.is_open = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Become ready for a request."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one, but does not declare it
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Receive a part of an answer."""
        if not self._busy:  # nothing was requested
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail()
        except httptools.HttpParserError:
            self._fail()

    def connection_lost(self, error: Exception | None) -> None:
        """Expect no more answers, except one whose end is the end of the connection."""
        del error
        self.is_open = False
        self._stop_draining()
        if self._answered is not None and not self._answered.done():
            if self._whole and self._status >= 200 and not self._delimited:
                self._answered.set_result(self._response())
            else:
                self._answered.set_exception(Lost())

    def on_header(self, name: bytes, value: bytes) -> None:
        """Receive one header of the answer."""
        self._head_size += len(name) + len(value)
        if self._head_size > HEAD_LIMIT:
            self._fail()
        else:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Note the status, which is all that most callers need."""
        self._status = self._parser.get_status_code()
        self._delimited = "content-length" in self._headers or "transfer-encoding" in self._headers
        if self._status >= 200 and not self._whole:
            self._answer()

    def on_body(self, part: bytes) -> None:
        """Receive a part of the body; too large a body ends the connection."""
        self._size += len(part)
        if self._whole and self._size <= BODY_LIMIT:
            self._body.append(part)
        if self._size > BODY_LIMIT:
            self._answer()
            self.abort()

    def on_message_complete(self) -> None:
        """End the answer, unless it is an interim one (100 Continue)."""
        if self._status < 200:
            self._reset_head()
            return
        self._answer()
        self._stop_draining()
        self._busy = False
        if self.is_open and self._parser.should_keep_alive():
            self._idle(self)
        else:
            self.abort()

    def _answer(self) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(self._response())
            self._draining = asyncio.get_running_loop().call_later(DRAIN_SECONDS, self.abort)

    def _response(self) -> Response:
        return Response(self._status, self._headers, b"".join(self._body))

    def _fail(self) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(Lost())
        self.abort()

    def _stop_draining(self) -> None:
        if self._draining is not None:
            self._draining.cancel()
            self._draining = None

    def _reset(self) -> None:
        self._busy = False
        self._whole = False
        self._reset_head()

    def _reset_head(self) -> None:
        self._status = 0
        self._headers: dict[str, str] = {}
        self._head_size = 0
        self._delimited = False
        self._body: list[bytes] = []
        self._size = 0

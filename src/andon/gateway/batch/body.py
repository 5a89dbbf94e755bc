"""A body that is read while it arrives, one message ahead, to notice immediately that the caller has disconnected."""

import asyncio
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

from andon.gateway.batch.rows import BatchRow, RowReader
from andon.gateway.bodies import Receive
from andon.gateway.errors import BatchMalformed, BodyIncomplete

_GROUP = 128
"""Most rows that are handed on together."""


_PIECE = 16_384
"""Bytes that are parsed without a pause."""


class Body:
    """One request's body. `close` when done."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._next: asyncio.Task[MutableMapping[str, Any]] | None = None
        self._more = True

    @property
    def gone(self) -> bool:
        """Whether the caller has disconnected."""
        return self._next is not None and self._next.done() and self._next.result()["type"] != "http.request"

    async def read(self) -> bytes | None:
        """Return the next bytes; None after the end. Raises BodyIncomplete if the caller disconnected before it."""
        if not self._more:
            return None
        message = await (self._next or self._receive_soon())
        if message["type"] != "http.request":
            raise BodyIncomplete
        self._more = bool(message.get("more_body", False))
        self._next = self._receive_soon()
        content: bytes = message.get("body", b"")
        return content

    async def wait_until_gone(self, within: float) -> None:
        """Return after `within` seconds, or as soon as the caller disconnects, but not because more bytes arrived."""
        until = asyncio.get_running_loop().time() + within
        if self._next is not None and not self._next.done():
            await asyncio.wait({self._next}, timeout=within)
        left = until - asyncio.get_running_loop().time()
        if left > 0 and not self.gone:
            await asyncio.sleep(left)

    def close(self) -> None:
        """Stop listening."""
        if self._next is not None:
            self._next.cancel()

    def _receive_soon(self) -> "asyncio.Task[MutableMapping[str, Any]]":
        async def receive() -> MutableMapping[str, Any]:
            return await self._receive()

        return asyncio.get_running_loop().create_task(receive())


async def groups_of(body: Body, rows: RowReader) -> AsyncIterator[list[BatchRow]]:
    """Yield the rows of a body, in groups of those that have arrived. Raises BatchMalformed, BodyIncomplete."""
    while (chunk := await body.read()) is not None:
        for begin in range(0, len(chunk), _PIECE):
            for group in _grouped(rows.feed(chunk[begin : begin + _PIECE])):
                yield group
            await asyncio.sleep(0)  # let other tasks run, however long it took to find the rows
    for group in _grouped(rows.end()):
        yield group


def _grouped(found: Iterator[BatchRow]) -> Iterator[list[BatchRow]]:
    """Yield the rows in groups. Rows before a fault are yielded before it is raised."""
    group: list[BatchRow] = []
    try:
        for row in found:
            group.append(row)
            if len(group) == _GROUP:
                yield group
                group = []
    except BatchMalformed:
        if group:
            yield group
        raise
    if group:
        yield group

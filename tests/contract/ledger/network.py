"""A way to PostgreSQL over loopback that loses one connection at a chosen point."""

import asyncio
from enum import Enum
from types import TracebackType
from typing import Self

from sqlalchemy import make_url

LATE_SECONDS = 0.2
"""So long after the loss a late piece still arrives: another attempt is under way by then."""


class Loss(Enum):
    """What becomes of the piece at which the connection is lost."""

    UNSENT = "before it is sent"
    SENT = "after it is sent"
    UNANSWERED = "after it was answered, before the answer arrives"
    LATE = "before it arrives, late, at a server that still holds the transaction"


class Network:
    """Passes on everything between writers and the server. Use within one event loop."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._loss: Loss | None = None
        self._pieces = 0
        self._passing: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self.is_down = False

    @property
    def url(self) -> str:
        """The database by this way."""
        port = self._server.sockets[0].getsockname()[1]
        return self._target.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)

    def lose(self, loss: Loss, after: int) -> None:
        """Lose the connection on which the next piece comes after so many more."""
        self._loss, self._pieces = loss, after

    @property
    def has_lost(self) -> bool:
        """Whether the connection was lost that was to be."""
        return self._loss is None

    def cut(self) -> None:
        """End all connections."""
        for writer in self._open:
            writer.transport.abort()

    async def settled(self) -> None:
        """Return when no connection is passed on any more."""
        while self._passing:
            await asyncio.wait(self._passing)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()
        await self.settled()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_down:
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._pass_on(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection(self._target.host, self._target.port)
        self._open |= {writer, server}
        answering = asyncio.ensure_future(_copy(answers, writer))
        try:
            while piece := await reader.read(1 << 20):
                loss = self._next()
                if loss is None:
                    server.write(piece)
                    await server.drain()
                    continue
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)
                await _lose(loss, piece, answers, writer, server)
                return
        except OSError:
            pass  # the connection was cut
        finally:
            for one in (writer, server):
                one.close()
                self._open.discard(one)
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    def _next(self) -> Loss | None:
        """Return the fate of the next piece; None if it is passed on."""
        if self._loss is None or self._pieces > 0:
            self._pieces -= 1
            return None
        loss, self._loss = self._loss, None
        return loss


async def _lose(
    loss: Loss, piece: bytes, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, server: asyncio.StreamWriter
) -> None:
    if loss in (Loss.SENT, Loss.UNANSWERED):
        server.write(piece)
        await server.drain()
    if loss is Loss.UNANSWERED:
        await answers.read(1 << 20)
    writer.transport.abort()
    if loss is Loss.LATE:
        await asyncio.sleep(LATE_SECONDS)
        server.write(piece)
        await server.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 20):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the connection was cut
    writer.close()

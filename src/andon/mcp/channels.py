"""Channels: JSON-RPC messages to and from one peer, over pipes or in memory."""

import asyncio
import sys
from typing import Protocol

from andon.mcp.errors import McpMessageInvalid, McpStreamsUnusable
from andon.mcp.jsonrpc import INVALID_REQUEST, LONGEST_MESSAGE, Message, error, read, written


class Channel(Protocol):
    """Messages to and from one peer."""

    async def receive(self) -> Message | None:
        """Return the next message; None when the peer has ended."""
        ...

    async def send(self, message: Message) -> None:
        """Send a message. A peer that has ended does not receive it."""
        ...

    async def aclose(self) -> None:
        """End the connection."""
        ...


class LineChannel:
    """Messages as lines of JSON on two byte streams. Invalid lines are dropped; with `answers` they get an error."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        self._reader, self._writer, self._answers = reader, writer, answers
        self._turn = asyncio.Lock()

    async def receive(self) -> Message | None:
        """Return the next message; None when the peer has ended or sent a line longer than LONGEST_MESSAGE."""
        while True:
            try:
                line = await self._reader.readline()
            except ValueError:
                await self._refuse(f"A message may have {LONGEST_MESSAGE:,} bytes at most")
                return None
            except ConnectionError:
                return None
            if not line:
                return None
            if line.strip():
                try:
                    return read(line)
                except McpMessageInvalid as refused:
                    await self._refuse(str(refused))

    async def send(self, message: Message) -> None:
        """Write a message as one line."""
        try:
            async with self._turn:
                self._writer.write(written(message))
                await self._writer.drain()
        except (ConnectionError, RuntimeError):
            return

    async def aclose(self) -> None:
        """Close the outgoing stream."""
        self._writer.close()

    async def _refuse(self, why: str) -> None:
        if self._answers:
            await self.send(error(None, INVALID_REQUEST, why))


async def standard_streams() -> LineChannel:
    """Return the channel on this process's standard input and output. Raises McpStreamsUnusable."""
    try:
        return await _pipes()
    except (OSError, ValueError) as error:
        raise McpStreamsUnusable from error


async def _pipes() -> LineChannel:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LONGEST_MESSAGE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sys.stdout)
    return LineChannel(reader, asyncio.StreamWriter(transport, protocol, None, loop), answers=True)

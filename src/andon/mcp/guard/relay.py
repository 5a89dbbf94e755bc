"""A relay between an MCP client and an MCP server. It changes nothing; the guard and the recorder build on it."""

import asyncio
from contextlib import suppress
from typing import Any

from andon.mcp.channels import Channel
from andon.mcp.jsonrpc import Message


class Relay:
    """Carries messages both ways until one side ends or `stop` is called."""

    def __init__(self, client: Channel, server: Channel) -> None:
        self.client, self.server = client, server
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End the relay in an orderly way."""
        self._stopping.set()

    async def run(self) -> bool:
        """Carry messages until one side ends or the relay is stopped. Return whether the server ended."""
        to_server = asyncio.create_task(self._from_client())
        to_client = asyncio.create_task(self._from_server())
        stopping = asyncio.create_task(self._stopping.wait())
        ways: list[asyncio.Task[Any]] = [to_server, to_client, stopping]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            server_ended = to_client.done() and not to_server.done() and not stopping.done()
            await self.closing(server_ended=to_client.done())
            for way in (to_server, to_client):
                if way.done():
                    way.result()
            return server_ended
        finally:
            for way in ways:
                way.cancel()
            for way in ways:
                with suppress(asyncio.CancelledError, Exception):
                    await way

    async def closing(self, *, server_ended: bool) -> None:
        """Settle open calls before the relay ends."""

    async def on_client(self, message: Message) -> None:
        """Handle a message from the client."""
        await self.server.send(message)

    async def on_server(self, message: Message) -> None:
        """Handle a message from the server."""
        await self.client.send(message)

    async def _from_client(self) -> None:
        while (message := await self.client.receive()) is not None:
            await self.on_client(message)

    async def _from_server(self) -> None:
        while (message := await self.server.receive()) is not None:
            await self.on_server(message)

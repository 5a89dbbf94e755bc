"""A bench for the MCP guard: a client and a server in memory, both driven by the test, and a fake gateway."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from andon.mcp.gateway_client import GatewayClient
from andon.mcp.guard.desk import CallDesk
from andon.mcp.guard.governing import ToolGuard
from guarding import KEY, FakeGateway, MemoryChannel, Message, memory_channels

TASKS = "io.modelcontextprotocol/tasks"
MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
WITH_TASKS = MODERN | {"io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}}}


class Bench:
    """A client on one side of the guard and a server on the other, both driven by the test."""

    def __init__(self, client: MemoryChannel, server: MemoryChannel, gateway: FakeGateway, guard: ToolGuard) -> None:
        self.client, self.server, self.gateway, self.guard = client, server, gateway, guard
        self.notes: list[str] = []
        self.pauses: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()

    async def call(self, tool: str, identifier: Any = 1, /, *, meta: Any = None, **arguments: Any) -> None:
        params: dict[str, Any] = {"name": tool, "arguments": arguments}
        if meta is not None:
            params["_meta"] = meta
        await self.client.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": params})

    async def forwarded(self) -> Message:
        message = await asyncio.wait_for(self.server.receive(), 5)
        assert message is not None
        return message

    async def answered(self) -> Message:
        message = await asyncio.wait_for(self.client.receive(), 5)
        assert message is not None
        return message

    async def served(self, text: str = "blocked", **more: Any) -> Message:
        """Let the server answer the next message."""
        message = await self.forwarded()
        result = {"content": [{"type": "text", "text": text}], **more}
        await self.server.send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        return message

    async def look_again(self) -> None:
        """End the pause before the guard looks whether a person has decided."""
        (await asyncio.wait_for(self.pauses.get(), 5)).set_result(None)

    async def nothing_forwarded(self) -> bool:
        await self.client.send({"jsonrpc": "2.0", "id": "probe", "method": "ping"})
        return (await self.forwarded())["id"] == "probe"


@asynccontextmanager
async def bench(
    policy: dict[str, str], *, wait: float = 4.0, gateway: FakeGateway | None = None
) -> AsyncIterator[Bench]:
    gateway = gateway or FakeGateway(policy)
    client, to_client = memory_channels()
    server, to_server = memory_channels()
    http = GatewayClient("http://andon.test", KEY, transport=gateway.transport())
    made: Bench

    async def pause(_: float) -> None:
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await made.pauses.put(ended)
        await ended

    guard = ToolGuard(
        to_client,
        to_server,
        CallDesk(http, "bank-tools", run="run-1"),
        agent=None,
        wait_seconds=wait,
        poll_seconds=2.0,
        now=lambda: datetime(2026, 12, 2, tzinfo=UTC),
        note=lambda text: made.notes.append(text),
        pause=pause,
    )
    made = Bench(client, server, gateway, guard)
    running = asyncio.create_task(guard.run())
    try:
        yield made
    finally:
        guard.stop()
        await running
        await http.aclose()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def text_of(answer: Message) -> str:
    text: str = answer["result"]["content"][0]["text"]
    return text


async def settled(one: Bench) -> None:
    """Wait until no call is begun any more."""
    async with asyncio.timeout(5):
        while "begun" in one.gateway.states():
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)

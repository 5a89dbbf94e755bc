"""A guarded server on the network gets the headers that each generation of the protocol asks for."""

import asyncio
from typing import Any

from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from andon.mcp.guard.http_servers import HttpServerChannel
from guarding import Message

MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
CITY = {"type": "object", "properties": {"city": {"type": "string", "x-mcp-header": "City"}}}


class Streams:
    """What the library's transport hands over: messages to read, and those that were written."""

    def __init__(self, *messages: Message) -> None:
        self._messages = [SessionMessage(jsonrpc_message_adapter.validate_python(one)) for one in messages]
        self.sent: list[Any] = []

    def __aiter__(self) -> "Streams":
        return self

    async def __anext__(self) -> SessionMessage:
        if not self._messages:
            raise StopAsyncIteration
        return self._messages.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)


def headers_of(*sent: Message, received: tuple[Message, ...] = ()) -> list[dict[str, str]]:
    async def test() -> list[dict[str, str]]:
        streams = Streams(*received)
        channel = HttpServerChannel((streams, streams))
        for message in sent[:1]:
            await channel.send(message)
        while await channel.receive() is not None:
            pass
        for message in sent[1:]:
            await channel.send(message)
        return [dict(one.metadata.headers) for one in streams.sent]

    return asyncio.run(test())


def test_a_client_of_the_older_generation_says_the_version_that_was_settled() -> None:
    initialize = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    settled = {"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": "2025-11-25"}}
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    first, second = headers_of(initialize, listing, received=(settled,))
    assert (first, second) == ({}, {"mcp-protocol-version": "2025-11-25"})


def test_a_request_without_a_session_says_version_method_name_and_mirrored_arguments() -> None:
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": MODERN}}
    listed = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "weather", "inputSchema": CITY}]}}
    params = {"name": "weather", "arguments": {"city": "Graz"}, "_meta": MODERN}
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}
    task = {"jsonrpc": "2.0", "id": 3, "method": "tasks/get", "params": {"taskId": "t1", "_meta": MODERN}}
    first, second, third = headers_of(listing, call, task, received=(listed,))
    assert first == {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}
    assert second == first | {"mcp-method": "tools/call", "mcp-name": "weather", "Mcp-Param-City": "Graz"}
    assert third == first | {"mcp-method": "tasks/get", "mcp-name": "t1"}

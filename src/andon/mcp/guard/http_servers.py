"""A guarded server on the network, reached over streamable HTTP with the library's transport."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio

from andon.mcp.errors import GuardedServerFailed, McpMissing
from andon.mcp.jsonrpc import PROTOCOL_VERSION, Message, is_response, key_of, meta_of

_SECONDS = 30.0
"""The longest time for the server to accept a connection or a request."""


class HttpServerChannel:
    """Messages to and from a streamable HTTP server, with the headers that each protocol generation requires."""

    def __init__(self, streams: Any) -> None:
        self._read, self._write = streams
        self._version: str | None = None
        self._initializing: str | None = None
        self._parameters: dict[str, Mapping[tuple[str, ...], str]] = {}

    async def receive(self) -> Message | None:
        """Return its next message; None when it has ended."""
        from mcp.shared.message import SessionMessage

        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            async for received in self._read:
                if isinstance(received, SessionMessage):
                    message: Message = received.message.model_dump(by_alias=True, mode="json", exclude_unset=True)
                    self._learn(message)
                    return message
        return None

    async def send(self, message: Message) -> None:
        """Send it a message."""
        from mcp.shared.message import ClientMessageMetadata, SessionMessage
        from mcp.types import jsonrpc_message_adapter

        if message.get("method") == "initialize":
            self._initializing, self._version = key_of(message.get("id")), None
        metadata = ClientMessageMetadata(headers=self._headers(message))
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            await self._write.send(SessionMessage(jsonrpc_message_adapter.validate_python(message), metadata))

    async def aclose(self) -> None:
        """End the conversation."""
        await self._write.aclose()

    def _headers(self, message: Message) -> dict[str, str]:
        from mcp.shared import inbound

        version = meta_of(message).get(PROTOCOL_VERSION)
        if not isinstance(version, str):
            return {} if self._version is None else {inbound.MCP_PROTOCOL_VERSION_HEADER: self._version}
        method, params = str(message.get("method")), message.get("params", {})
        headers = {inbound.MCP_PROTOCOL_VERSION_HEADER: version, inbound.MCP_METHOD_HEADER: method}
        named = {
            **inbound.NAME_BEARING_METHODS,
            **dict.fromkeys(("tasks/get", "tasks/update", "tasks/cancel"), "taskId"),
        }
        name = params.get(named.get(method, ""))
        if isinstance(name, str):
            headers[inbound.MCP_NAME_HEADER] = inbound.encode_header_value(name)
            if method == "tools/call":
                mapped = self._parameters.get(name, {})
                headers |= inbound.mcp_param_headers(mapped, params.get("arguments") or {})
        return headers

    def _learn(self, message: Message) -> None:
        """Note the version agreed on in `initialize`, and the tool arguments that headers mirror."""
        found = message.get("result")
        if not is_response(message) or not isinstance(found, dict):
            return
        if key_of(message["id"]) == self._initializing:
            self._version, self._initializing = str(found.get("protocolVersion")), None
        for tool in found.get("tools") or () if isinstance(found.get("tools"), list) else ():
            self._learn_tool(tool)

    def _learn_tool(self, tool: Any) -> None:
        from mcp.shared.inbound import find_invalid_x_mcp_header, x_mcp_header_map

        if isinstance(tool, dict) and isinstance(name := tool.get("name"), str):
            schema = tool.get("inputSchema")
            if find_invalid_x_mcp_header(schema) is None:
                self._parameters[name] = x_mcp_header_map(schema)


@asynccontextmanager
async def connected(url: str, key: str | None) -> AsyncIterator[HttpServerChannel]:
    """Connect to the server at `url`, with its bearer key if it needs one. Raises GuardedServerFailed."""
    try:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client
    except ModuleNotFoundError as error:
        raise McpMissing from error
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    timeout = httpx2.Timeout(_SECONDS, read=None)  # an answer may take as long as its tool
    failed: GuardedServerFailed | None = None
    try:
        async with (
            httpx2.AsyncClient(headers=headers, timeout=timeout, trust_env=False) as http,
            streamable_http_client(url, http_client=http) as streams,
        ):
            yield HttpServerChannel(streams)
    except* httpx2.TransportError as group:
        failed = GuardedServerFailed(f"{url} cannot be reached: {type(group.exceptions[0]).__name__}")
    if failed is not None:
        raise failed

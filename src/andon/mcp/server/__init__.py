"""`andon mcp serve`: Andon as an MCP server, over standard input and output or stateless HTTP."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from andon.mcp.gateway_client import GatewayClient
from andon.mcp.server import http
from andon.mcp.server.agent_tools import AgentTools
from andon.mcp.server.protocol import create_server

__all__ = ["serve_http", "serve_stdio"]


def serve_stdio(gateway: str, key: str) -> None:
    """Serve one client on standard input and output, with one key. Raises McpMissing."""

    async def serving() -> None:
        client = GatewayClient(gateway, key)
        server = create_server(AgentTools(client, _now), lambda _: key)
        from mcp.server.stdio import stdio_server

        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
        await client.aclose()

    asyncio.run(serving())


def serve_http(gateway: str, address: str, allowed: Sequence[str]) -> None:
    """Serve HTTP. Each request has its own key. Raises McpMissing and McpAddressInvalid."""
    host, port = http.address_of(address, allowed)

    async def serving() -> None:
        client = GatewayClient(gateway, "")
        server = create_server(AgentTools(client, _now), http.bearer_of)
        await http.serve(server, host, port, allowed, lambda: _ready(f"http://{address}{http.PATH}"))
        await client.aclose()

    asyncio.run(serving())


def _ready(address: str) -> None:
    print(f"andon mcp serve: listening at {address}", file=sys.stderr, flush=True)  # noqa: T201


def _now() -> datetime:
    return datetime.now(UTC)

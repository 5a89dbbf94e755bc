"""`andon mcp serve`, called by the official client in both generations of the protocol."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from andon.mcp.errors import McpAddressInvalid
from andon.mcp.gateway_client import GatewayClient
from andon.mcp.server.agent_tools import AgentTools
from andon.mcp.server.http import LARGEST_REQUEST, McpApplication, address_of, bearer_of, create_manager
from andon.mcp.server.protocol import create_server
from andon.version import __version__
from guarding import KEY, FakeGateway
from tasking import Tasks, ask_task

PAYMENTS = {
    "name": "payments",
    "outcomes": ["release", "pause"],
    "askable": True,
    "contract": {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]},
}
STAMP = {"_meta": {"io.modelcontextprotocol/serverInfo": {"name": "andon", "version": __version__, "title": "Andon"}}}
"""What every answer says of the server."""

GENERATIONS = pytest.mark.parametrize("mode", ["legacy", "auto"])


def a_gateway() -> FakeGateway:
    mine = PAYMENTS | {"name": "hidden", "askable": False}
    box = PAYMENTS | {"name": "bank-tools"}
    return FakeGateway({"refund": "ask", "block_card": "allow", "drop": "deny"}, automations=[PAYMENTS, mine, box])


@asynccontextmanager
async def served(gateway: FakeGateway, mode: Any, key: str = KEY, **more: Any) -> AsyncIterator[Client]:
    http = GatewayClient("http://andon.test", key, transport=gateway.transport())
    server = create_server(AgentTools(http, lambda: datetime.now(UTC)), lambda _: key)
    async with Client(server, mode=mode, **more) as client:
        yield client
    await http.aclose()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


@GENERATIONS
def test_an_agent_finds_one_tool_for_each_automation_that_it_may_ask(mode: str) -> None:
    async def test() -> None:
        async with served(a_gateway(), mode) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert [name for name in tools if name.startswith("decide_")] == ["decide_payments"]
            assert tools["decide_payments"].input_schema == PAYMENTS["contract"]
            assert not [name for name in tools if "approve" in name or "verdict" in name]

    run(test)


@GENERATIONS
def test_an_agent_decides_and_has_it_explained(mode: str) -> None:
    async def test() -> None:
        async with served(a_gateway(), mode) as client:
            made = (await client.call_tool("decide_payments", {"amount": 12.5})).structured_content
            assert made["outcome"] == "release"
            why = (await client.call_tool("explain_decision", {"decision_id": made["id"]})).structured_content
            assert (why["outcome"], why["reasons"]) == ("release", ["LOW_SCORE"])
            good = await client.call_tool("what_is_automatic", {"automation": "payments"})
            assert good.structured_content == {"automation": "payments", "automatic": 0.8}

    run(test)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("decide_payments", {"amount": "much"}, "amount: Input should be a valid number"),
        ("decide_other", {"amount": 1}, "No automation 'other'"),
        ("get_decision", {"decision_id": "../keys"}, "No such thing"),
        ("get_decision", {}, "decision_id must be"),
        (
            "request_tool_call",
            {"toolbox": "bank-tools", "tool": "refund", "arguments": 1},
            "arguments must be an object",
        ),
    ],
)
def test_what_cannot_be_done_is_a_tool_error_that_says_why(tool: str, arguments: Any, words: str) -> None:
    async def test() -> None:
        async with served(a_gateway(), "auto") as client:
            answer = await client.call_tool(tool, arguments)
            assert answer.is_error
            assert words in answer.content[0].text  # type: ignore[union-attr]

    run(test)


def test_a_name_stays_one_part_of_the_address_whatever_it_holds() -> None:
    async def test() -> None:
        gateway = a_gateway()
        async with served(gateway, "auto") as client:
            await client.call_tool("get_decision", {"decision_id": "../keys?x=1"})
            assert gateway.requests[-1][1] == "/v1/decisions/%2E%2E%2Fkeys%3Fx%3D1"

    run(test)


def test_a_wrong_key_and_an_unknown_tool_are_told() -> None:
    async def test() -> None:
        async with served(a_gateway(), "auto", key="wrong") as client:
            assert (await client.call_tool("decide_payments", {"amount": 1})).is_error
            with pytest.raises(MCPError, match="There is no tool"):
                await client.call_tool("approve", {})
            with pytest.raises(MCPError, match="A key is needed"):
                await client.list_tools()

    run(test)


REFUND = {"toolbox": "bank-tools", "tool": "refund", "arguments": {"amount": 10}}


@GENERATIONS
def test_a_call_that_waits_is_found_again_and_a_delivered_one_is_begun_once(mode: str) -> None:
    async def test() -> None:
        gateway = a_gateway()
        async with served(gateway, mode) as client:
            first = (await client.call_tool("request_tool_call", REFUND)).structured_content
            assert first["state"] == "waiting"
            again = (await client.call_tool("request_tool_call", REFUND)).structured_content
            assert again["id"] == first["id"]
            gateway.decide(first["id"], "allowed")
            assert (await client.call_tool("request_tool_call", REFUND)).structured_content["state"] == "begun"
            look = (await client.call_tool("get_tool_call", {"call_id": first["id"]})).structured_content
            assert look["state"] == "begun"
            more = (await client.call_tool("request_tool_call", REFUND)).structured_content
            assert more["id"] != first["id"]

    run(test)


def test_a_denied_call_is_an_error_and_one_that_andon_does_not_deliver_stays_the_agents() -> None:
    async def test() -> None:
        gateway = a_gateway()
        async with served(gateway, "auto") as client:
            denied = await client.call_tool("request_tool_call", REFUND | {"tool": "drop"})
            assert denied.is_error
            assert denied.structured_content["reasons"] == ["NOT_FOR_AGENTS"]
            allowed = await client.call_tool("request_tool_call", REFUND | {"tool": "block_card"})
            assert allowed.structured_content["state"] == "allowed"

    run(test)


def test_a_client_that_speaks_tasks_waits_in_a_task() -> None:
    async def test() -> None:
        gateway = a_gateway()

        async def on_made(task: str) -> None:
            assert (await ask_task(client.session, "tasks/get", task))["status"] == "working"
            assert await ask_task(client.session, "tasks/cancel", task) == {"resultType": "complete"} | STAMP
            gateway.decide(task, "refused")

        async with served(gateway, "auto", extensions=[Tasks(on_made)]) as client:
            ended = await client.call_tool("request_tool_call", REFUND)
            assert ended.is_error
            assert ended.structured_content["state"] == "refused"
            with pytest.raises(MCPError, match="no such tool call"):
                await ask_task(client.session, "tasks/get", "019c0000-0000-7000-8000-000000000000")

    run(test)


def test_who_does_not_speak_tasks_may_not_ask_for_one() -> None:
    async def test() -> None:
        async with served(a_gateway(), "auto") as client:
            with pytest.raises(MCPError, match="capability"):
                await ask_task(client.session, "tasks/get", "019c0000-0000-7000-8000-000000000000")

    run(test)


DISCOVER = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "server/discover",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
}
HEADERS = {
    "host": "127.0.0.1:8090",
    "authorization": f"Bearer {KEY}",
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "server/discover",
}


def posted(headers: dict[str, str], content: bytes, path: str = "/mcp") -> httpx.Response:
    sent = {name.encode(): value.encode() for name, value in headers.items()}

    async def test() -> httpx.Response:
        gateway = a_gateway()
        http = GatewayClient("http://andon.test", "", transport=gateway.transport())
        manager = create_manager(
            create_server(AgentTools(http, lambda: datetime.now(UTC)), bearer_of), 8090, ["andon.test"]
        )
        async with (
            manager.run(),
            httpx.AsyncClient(transport=httpx.ASGITransport(McpApplication(manager)), base_url="http://x") as client,  # type: ignore[arg-type]
        ):
            return await client.post(path, headers=sent, content=content)

    return asyncio.run(test())


def test_over_http_each_request_stands_by_itself_and_brings_its_key() -> None:
    answer = posted(HEADERS, json.dumps(DISCOVER).encode())
    assert answer.status_code == 200
    assert answer.json()["result"]["capabilities"]["extensions"] == {"io.modelcontextprotocol/tasks": {}}
    listing = DISCOVER | {"method": "tools/list"}
    listed = posted(HEADERS | {"mcp-method": "tools/list"}, json.dumps(listing).encode())
    assert "decide_payments" in listed.text
    wrong = posted(HEADERS | {"mcp-method": "tools/list", "authorization": "Bearer x"}, json.dumps(listing).encode())
    assert "A key is needed" in wrong.json()["error"]["message"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"authorization": ""}, 401),
        ({"authorization": "Basic x"}, 401),
        ({"authorization": "Bearer caf\u00e9"}, 401),
        ({"host": "evil.example"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "https://andon.test", "host": "andon.test"}, 200),
        ({"content-type": "text/plain"}, 400),
    ],
)
def test_a_request_without_a_key_or_from_another_site_is_refused(change: dict[str, str], status: int) -> None:
    assert posted(HEADERS | change, json.dumps(DISCOVER).encode()).status_code == status


def test_a_large_request_and_another_path_are_refused() -> None:
    assert posted(HEADERS, b" " * (LARGEST_REQUEST + 1)).status_code == 413
    assert posted(HEADERS, b"{}", path="/other").status_code == 404


def test_an_address_that_others_can_reach_needs_a_host_to_answer_for() -> None:
    assert address_of("127.0.0.1:8090", []) == ("127.0.0.1", 8090)
    assert address_of("[::1]:8090", []) == ("::1", 8090)
    assert address_of("0.0.0.0:8090", ["andon.example"]) == ("0.0.0.0", 8090)
    for wrong in ("0.0.0.0:8090", "8090", "localhost:x", "localhost:99999"):
        with pytest.raises(McpAddressInvalid):
            address_of(wrong, [])

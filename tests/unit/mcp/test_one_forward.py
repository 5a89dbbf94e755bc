"""In any order of events, a permit is spent before its call is forwarded, and each call is forwarded at most once."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from andon.mcp.gateway_client import GatewayClient
from andon.mcp.guard.desk import CallDesk
from andon.mcp.guard.governing import ToolGuard
from andon.mcp.jsonrpc import digest_of
from guarding import KEY, FakeGateway, Message, memory_channels, serve_in_memory

WITH_TASKS = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
}
POLICY = {"refund": "ask", "block_card": "allow", "drop": "deny"}


@pytest.mark.parametrize("seed", range(4))
def test_each_permit_is_forwarded_at_most_once_and_only_after_it_was_spent(seed: int) -> None:
    forwards, gateway = asyncio.run(storm(random.Random(seed)))
    assert forwards
    assert forwards <= spent(gateway)
    assert gateway.begins - gateway.unsent == spent(gateway).total()
    assert "drop" not in {tool for tool, _ in forwards}


def spent(gateway: FakeGateway) -> Counter[tuple[str, str]]:
    """Count the permits that are spent, by tool and arguments."""
    calls = [call for call in gateway.calls.values() if call["state"] in ("begun", "done", "failed")]
    return Counter((call["tool"], call["digest"]) for call in calls)


async def storm(chance: random.Random) -> tuple[Counter[tuple[str, str]], FakeGateway]:
    """Send many calls through guards that come and go, while a person answers and Andon is away now and then."""
    gateway, forwards = FakeGateway(dict(POLICY)), Counter[tuple[str, str]]()

    async def answer(message: Message) -> Message | None:
        if message.get("method") != "tools/call":
            return None
        forwards[message["params"]["name"], digest_of(message["params"]["arguments"])] += 1
        assert forwards <= spent(gateway), "a call came before its permit was spent"
        await asyncio.sleep(0)
        return {"jsonrpc": "2.0", "id": message["id"], "result": {"content": []}}

    for number in range(3):
        client, to_client = memory_channels()
        server, to_server = memory_channels()
        http = GatewayClient("http://andon.test", KEY, transport=gateway.transport())

        async def pause(_: float) -> None:
            await asyncio.sleep(0)

        guard = ToolGuard(
            to_client,
            to_server,
            CallDesk(http, "bank-tools", run=None),
            agent="storm",
            wait_seconds=20,
            poll_seconds=1,
            now=lambda: datetime.now(UTC),
            note=lambda _: None,
            pause=pause,
        )
        running = asyncio.create_task(guard.run())
        serving = asyncio.create_task(serve_in_memory(server, answer))
        for each in range(40):
            await client.send(a_message(chance, f"{number}-{each}"))
            for _ in range(chance.randrange(30)):
                await asyncio.sleep(0)
            people(chance, gateway)
            gateway.is_down = chance.random() < 0.02
        gateway.is_down = False
        for _ in range(chance.randrange(300)):
            await asyncio.sleep(0)
        guard.stop()
        await running
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await http.aclose()
    return forwards, gateway


def a_message(chance: random.Random, identifier: str) -> Message:
    if chance.random() < 0.2:
        number, each = identifier.split("-")
        params = {"requestId": f"{number}-{max(int(each) - 1, 0)}"}
        return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
    params: dict[str, Any] = {"name": chance.choice([*POLICY]), "arguments": {"amount": chance.randrange(3)}}
    if chance.random() < 0.3:
        params["_meta"] = WITH_TASKS
    return {"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": params}


def people(chance: random.Random, gateway: FakeGateway) -> None:
    """Answer some of what waits."""
    for identifier, call in gateway.calls.items():
        if call["state"] == "waiting" and chance.random() < 0.3:
            gateway.decide(identifier, chance.choice(["allowed", "allowed", "refused", "expired"]))

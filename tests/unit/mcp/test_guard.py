"""The guard: every tool call is decided, forwarded at most once for each permit, and everything else passes unchanged."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

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


def test_an_allowed_call_is_forwarded_as_it_is_and_finished_with_the_digest_of_its_result() -> None:
    async def test() -> None:
        async with bench({"block_card": "allow"}) as one:
            await one.call("block_card", card="4711")
            forwarded = await one.served()
            assert forwarded["params"] == {"name": "block_card", "arguments": {"card": "4711"}}
            assert text_of(await one.answered()) == "blocked"
            (call,) = one.gateway.calls.values()
            assert call["state"] == "done"
            assert len(call["result"]["result"]["sha256"]) == 64

    run(test)


def test_a_denied_call_is_a_tool_error_with_its_reasons_and_never_reaches_the_server() -> None:
    async def test() -> None:
        async with bench({"refund": "deny"}) as one:
            await one.call("refund", amount=10)
            answer = await one.answered()
            assert answer["result"]["isError"] is True
            assert "NOT_FOR_AGENTS" in text_of(answer)
            assert await one.nothing_forwarded()

    run(test)


def test_nothing_is_forwarded_while_andon_does_not_answer() -> None:
    async def test() -> None:
        async with bench({"block_card": "allow"}) as one:
            one.gateway.is_down = True
            await one.call("block_card")
            answer = await one.answered()
            assert answer["result"]["isError"] is True
            assert "Andon did not answer" in text_of(answer)
            assert await one.nothing_forwarded()

    run(test)


def test_a_call_is_not_forwarded_if_andon_fails_between_permit_and_begin() -> None:
    async def test() -> None:
        async with bench({"block_card": "allow"}) as one:
            one.gateway.hook = lambda path: setattr(one.gateway, "is_down", path.endswith("/calls"))
            await one.call("block_card")
            assert (await one.answered())["result"]["isError"] is True
            assert one.gateway.states() == ["allowed"]
            one.gateway.is_down, one.gateway.hook = False, str
            assert await one.nothing_forwarded()

    run(test)


def test_a_permit_that_somebody_else_spent_is_not_used() -> None:
    async def test() -> None:
        async with bench({"block_card": "allow"}) as one:

            def spend(path: str) -> None:
                if path.endswith("/begin"):
                    next(iter(one.gateway.calls.values()))["state"] = "begun"

            one.gateway.hook = spend
            await one.call("block_card")
            assert "Not allowed, nothing was done" in text_of(await one.answered())
            assert await one.nothing_forwarded()

    run(test)


def test_a_call_that_waits_says_so_with_progress_and_is_found_again_and_spent_once() -> None:
    async def test() -> None:
        async with bench({"refund": "ask"}) as one:
            await one.call("refund", 1, meta={"progressToken": "p"}, amount=10)
            for expected in (0.0, 2.0):
                progress = await one.answered()
                assert (progress["method"], progress["params"]["progress"]) == ("notifications/progress", expected)
                await one.look_again()
            waiting = await one.answered()
            assert waiting["result"]["isError"] is True
            assert "Call this tool again with the same arguments" in text_of(waiting)

            (identifier,) = one.gateway.calls
            one.gateway.decide(identifier, "allowed")
            await one.call("refund", 2, amount=10)
            await one.served("refunded")
            assert text_of(await one.answered()) == "refunded"
            assert one.gateway.states() == ["done"]

            await one.call("refund", 3, amount=10)
            await one.look_again()
            await one.look_again()
            assert "Waiting for a person" in text_of(await one.answered())
            assert one.gateway.states() == ["done", "waiting"]

    run(test)


def test_an_approval_outlives_the_guard_that_asked_for_it() -> None:
    async def test() -> None:
        async with bench({"refund": "ask"}, wait=0) as first:
            await first.call("refund", amount=10)
            await first.answered()
        first.gateway.decide(next(iter(first.gateway.calls)), "allowed")
        async with bench({}, gateway=first.gateway) as second:
            await second.call("refund", amount=10)
            await second.served("refunded")
            assert text_of(await second.answered()) == "refunded"
            assert second.gateway.states() == ["done"]

    run(test)


def test_an_allowed_call_that_nobody_began_is_not_taken_for_an_approval() -> None:
    async def test() -> None:
        async with bench({"refund": "allow"}) as first:
            first.gateway.hook = lambda url: setattr(first.gateway, "is_down", url.endswith("/calls"))
            await first.call("refund", amount=10)
            await first.answered()
        first.gateway.is_down, first.gateway.hook, first.gateway.policy = False, str, {"refund": "deny"}
        async with bench({}, gateway=first.gateway) as second:
            await second.call("refund", amount=10)
            assert "denies" in text_of(await second.answered())

    run(test)


def test_a_digest_of_other_arguments_is_no_permit() -> None:
    async def test() -> None:
        async with bench({"refund": "allow"}) as one:
            await one.call("refund", 1, amount=10)
            await one.served()
            await one.answered()
            one.gateway.wrong_digest = True
            await one.call("refund", 2, amount=10)
            assert "other arguments" in text_of(await one.answered())
            assert await one.nothing_forwarded()

    run(test)


def test_arguments_without_a_canonical_form_are_refused() -> None:
    async def test() -> None:
        async with bench({"refund": "allow"}) as one:
            await one.call("refund", amount=2**70)
            assert (await one.answered())["error"]["code"] == -32602
            assert await one.nothing_forwarded()

    run(test)


def test_another_argument_is_another_call() -> None:
    async def test() -> None:
        async with bench({"refund": "ask"}, wait=0) as one:
            await one.call("refund", 1, amount=10)
            await one.answered()
            one.gateway.decide(next(iter(one.gateway.calls)), "allowed")
            await one.call("refund", 2, amount=1000)
            assert "Waiting for a person" in text_of(await one.answered())
            assert one.gateway.states() == ["allowed", "waiting"]

    run(test)


@pytest.mark.parametrize(("verdict", "words"), [("refused", "A person refused"), ("expired", "has expired")])
def test_a_call_that_a_person_does_not_allow_is_not_made(verdict: str, words: str) -> None:
    async def test() -> None:
        async with bench({"refund": "ask"}) as one:
            await one.call("refund", amount=10)
            pause = await one.pauses.get()
            one.gateway.decide(next(iter(one.gateway.calls)), verdict)
            pause.set_result(None)
            assert words in text_of(await one.answered())
            assert await one.nothing_forwarded()

    run(test)


def test_a_client_that_speaks_tasks_gets_a_task_and_the_call_is_made_once_it_is_approved() -> None:
    async def test() -> None:
        async with bench({"refund": "ask"}) as one:
            await one.call("refund", 1, meta=WITH_TASKS | {"progressToken": "p"}, amount=10)
            task = (await one.answered())["result"]
            assert (task["resultType"], task["status"], task["ttlMs"] > 0) == ("task", "working", True)
            assert (await asked(one, "tasks/get", task["taskId"]))["result"]["status"] == "working"

            one.gateway.decide(task["taskId"], "allowed")
            await one.look_again()
            forwarded = await one.served("refunded")
            assert forwarded["params"]["arguments"] == {"amount": 10}
            assert forwarded["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] == {}
            assert "progressToken" not in forwarded["params"]["_meta"]
            await settled(one)
            seen = (await asked(one, "tasks/get", task["taskId"]))["result"]
            assert (seen["resultType"], seen["status"]) == ("complete", "completed")
            assert seen["result"]["content"][0]["text"] == "refunded"
            assert one.gateway.states() == ["done"]

    run(test)


def test_a_cancelled_task_is_never_made() -> None:
    async def test() -> None:
        async with bench({"refund": "ask"}) as one:
            await one.call("refund", 1, meta=WITH_TASKS, amount=10)
            task = (await one.answered())["result"]["taskId"]
            pause = await one.pauses.get()
            assert (await asked(one, "tasks/cancel", task))["result"] == {"resultType": "complete"}
            one.gateway.decide(task, "allowed")
            if not pause.done():
                pause.set_result(None)
            assert (await asked(one, "tasks/get", task))["result"]["status"] == "cancelled"
            assert await one.nothing_forwarded()

    run(test)


def test_a_task_of_an_earlier_guard_is_told_and_not_made() -> None:
    async def test() -> None:
        async with bench({"refund": "ask"}, wait=0) as one:
            await one.call("refund", 1, amount=10)
            await one.answered()
            (identifier,) = one.gateway.calls
            assert (await asked(one, "tasks/get", identifier))["result"]["status"] == "working"
            one.gateway.decide(identifier, "allowed")
            seen = (await asked(one, "tasks/get", identifier))["result"]
            assert "with the same arguments" in seen["result"]["content"][0]["text"]
            missing = await asked(one, "tasks/get", "019c0000-0000-7000-8000-000000000000")
            assert missing["error"]["code"] == -32602

    run(test)


def test_who_does_not_speak_tasks_may_not_ask_for_one() -> None:
    async def test() -> None:
        async with bench({"refund": "ask"}) as one:
            await one.call("refund", 1, meta=WITH_TASKS)
            task = (await one.answered())["result"]["taskId"]
            params = {"taskId": task, "_meta": MODERN}
            await one.client.send({"jsonrpc": "2.0", "id": 9, "method": "tasks/get", "params": params})
            assert (await one.answered())["error"]["code"] == -32021

    run(test)


def test_discovery_tells_of_tasks_and_everything_else_passes_unchanged() -> None:
    async def test() -> None:
        async with bench({}) as one:
            for method in ("initialize", "tools/list", "resources/read", "prompts/get", "notifications/initialized"):
                message = {"jsonrpc": "2.0", "id": f"a-{method}", "method": method, "params": {"name": "x", "n": 1.5}}
                await one.client.send(message)
                assert await one.forwarded() == message
                answer = {"jsonrpc": "2.0", "id": f"a-{method}", "result": {"anything": [1, None, {"x": "y"}]}}
                await one.server.send(answer)
                assert await one.answered() == answer
            await one.client.send({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": MODERN}})
            await one.forwarded()
            await one.server.send({"jsonrpc": "2.0", "id": 1, "result": {"capabilities": {"tools": {}}}})
            assert (await one.answered())["result"]["capabilities"] == {"tools": {}, "extensions": {TASKS: {}}}
            asking = {"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": {"message": "?"}}
            await one.server.send(asking)
            assert await one.answered() == asking

    run(test)


def test_a_cancelled_call_that_waits_is_found_again() -> None:
    async def test() -> None:
        async with bench({"refund": "ask"}) as one:
            await one.call("refund", 1, amount=10)
            await one.pauses.get()
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
            await one.client.send(cancel)
            one.gateway.decide(next(iter(one.gateway.calls)), "allowed")
            await one.call("refund", 2, amount=10)
            await one.served("refunded")
            assert text_of(await one.answered()) == "refunded"
            assert one.gateway.states() == ["done"]

    run(test)


def test_a_call_that_is_cancelled_before_it_is_looked_at_frees_its_id() -> None:
    async def test() -> None:
        async with bench({"block_card": "allow"}) as one:
            await one.call("block_card", 1)
            await one.client.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
            await one.call("block_card", 1)
            await one.served()
            assert text_of(await one.answered()) == "blocked"

    run(test)


@pytest.mark.parametrize("task", [[], {}, 3, None])
def test_an_odd_task_id_and_odd_capabilities_harm_nothing(task: Any) -> None:
    async def test() -> None:
        async with bench({}) as one:
            params = {"taskId": task, "_meta": WITH_TASKS}
            await one.client.send({"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": params})
            assert (await one.answered())["error"]["code"] == -32602
            await one.client.send({"jsonrpc": "2.0", "id": 2, "method": "server/discover"})
            await one.forwarded()
            odd = {"jsonrpc": "2.0", "id": 2, "result": {"capabilities": {"extensions": task}}}
            await one.server.send(odd)
            assert (await one.answered())["id"] == 2

    run(test)


def test_a_task_whose_server_answers_oddly_ends() -> None:
    async def test() -> None:
        async with bench({"refund": "ask"}) as one:
            await one.call("refund", 1, meta=WITH_TASKS)
            task = (await one.answered())["result"]["taskId"]
            one.gateway.decide(task, "allowed")
            await one.look_again()
            message = await one.forwarded()
            await one.server.send({"jsonrpc": "2.0", "id": message["id"], "result": {"resultType": "input_required"}})
            await settled(one)
            seen = (await asked(one, "tasks/get", task))["result"]
            assert (seen["status"], seen["result"]["isError"]) == ("completed", True)

    run(test)


def test_a_cancelled_call_that_was_forwarded_is_cancelled_there_and_its_outcome_is_not_known() -> None:
    async def test() -> None:
        async with bench({"block_card": "allow"}) as one:
            await one.call("block_card", 1)
            await one.forwarded()
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
            await one.client.send(cancel)
            assert await one.forwarded() == cancel
            await settled(one)
            (call,) = one.gateway.calls.values()
            assert "not known" in call["result"]["error"]

    run(test)


def test_a_server_cannot_answer_a_call_that_it_was_not_given() -> None:
    async def test() -> None:
        async with bench({"refund": "ask"}) as one:
            await one.call("refund", 1, amount=10)
            pause = await one.pauses.get()
            await one.server.send(
                {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "forged"}]}}
            )
            await one.server.send({"jsonrpc": "2.0", "id": "other", "result": {}})
            assert (await one.answered())["id"] == "other"
            one.gateway.decide(next(iter(one.gateway.calls)), "refused")
            pause.set_result(None)
            assert "A person refused" in text_of(await one.answered())

    run(test)


def test_what_the_server_asks_for_first_is_part_of_the_same_call() -> None:
    async def test() -> None:
        async with bench({"block_card": "allow"}) as one:
            await one.call("block_card", 1, meta=MODERN, card="1")
            first = await one.forwarded()
            asked_for = {"resultType": "input_required", "requestState": "s", "inputRequests": {}}
            await one.server.send({"jsonrpc": "2.0", "id": first["id"], "result": asked_for})
            assert (await one.answered())["result"] == asked_for
            assert one.gateway.states() == ["begun"]
            params = {"name": "block_card", "arguments": {"card": "1"}, "requestState": "s", "inputResponses": {}}
            again = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {**params, "_meta": MODERN}}
            await one.client.send(again)
            await one.served()
            await one.answered()
            assert one.gateway.states() == ["done"]
            await one.client.send({**again, "id": 3})
            await one.served()
            await one.answered()
            assert one.gateway.states() == ["done", "done"]

    run(test)


def test_a_call_whose_server_ends_is_told_as_one_without_a_known_outcome() -> None:
    async def test() -> None:
        async with bench({"block_card": "allow"}) as one:
            await one.call("block_card")
            await one.forwarded()
            await one.server.aclose()
            assert "The server ended" in text_of(await one.answered())
            assert one.gateway.states() == ["failed"]

    run(test)


@pytest.mark.parametrize("params", [{}, {"name": 3}, {"name": "block_card", "arguments": [1]}])
def test_a_malformed_call_is_refused_and_not_forwarded(params: Any) -> None:
    async def test() -> None:
        async with bench({"block_card": "allow"}) as one:
            await one.client.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
            assert (await one.answered())["error"]["code"] == -32602
            assert await one.nothing_forwarded()

    run(test)


def test_a_call_without_an_id_is_dropped_and_an_id_in_use_is_refused() -> None:
    async def test() -> None:
        async with bench({"block_card": "allow"}) as one:
            await one.client.send({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "block_card"}})
            await one.call("block_card", 1)
            assert (await one.forwarded())["id"] == 1
            await one.call("block_card", 1)
            assert (await one.answered())["error"]["code"] == -32600
            assert one.gateway.states() == ["begun"]
            assert len(one.notes) == 1
            await one.server.send({"jsonrpc": "2.0", "id": 1, "result": {"content": []}})
            await one.answered()

    run(test)


async def asked(one: Bench, method: str, task: str) -> Message:
    params = {"taskId": task, "_meta": WITH_TASKS}
    await one.client.send({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
    return await one.answered()


async def settled(one: Bench) -> None:
    """Wait until no call is begun any more."""
    async with asyncio.timeout(5):
        while "begun" in one.gateway.states():
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)

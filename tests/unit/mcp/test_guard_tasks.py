"""Calls that wait for a person as tasks of a client that speaks the extension, and what the guard declares of it."""

from typing import Any

import pytest

from guard_bench import MODERN, TASKS, WITH_TASKS, Bench, bench, run, settled
from guarding import Message


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


async def asked(one: Bench, method: str, task: str) -> Message:
    params = {"taskId": task, "_meta": WITH_TASKS}
    await one.client.send({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
    return await one.answered()

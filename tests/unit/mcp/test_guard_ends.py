"""Calls that are cancelled, interrupted or malformed: what the guard forwards of them, and what it reports."""

from typing import Any

import pytest

from guard_bench import MODERN, bench, run, settled, text_of


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

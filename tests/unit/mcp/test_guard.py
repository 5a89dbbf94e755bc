"""The guard: every tool call is decided, and is forwarded at most once for each permit."""

import pytest

from guard_bench import bench, run, text_of


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

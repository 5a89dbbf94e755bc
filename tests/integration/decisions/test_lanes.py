"""Arms that hang, fail or are slow hold up nobody else; callers are decided together, the urgent first."""

import asyncio
import gc
import time
import weakref
from collections.abc import Sequence
from typing import Any

import pytest

from andon.decisions import Controls, Decider, Decision, Fallback, Priority
from andon.serving import PredictionFailed
from arms import Elsewhere, Here, arm, request_of, says, traffic
from automations import payment
from lines import Installation

from .deciding import Counted, a_line, all_of, deciding, late, outcome, recorded

RELEASE, PAUSE = says(0.1), says(0.9)


def broken(_: object) -> float:
    raise PredictionFailed("broken")


def test_an_arm_that_hangs_holds_up_no_other_automation_and_no_inline_arm_of_its_own(
    installation: Installation,
) -> None:
    async def work(decider: Decider) -> None:
        waiting = [decider.decide(request_of(payments, payment(n), pinned=2)) for n in range(50)]
        began = time.perf_counter()
        for n in range(20):
            both = [request_of(refunds, payment(n)), request_of(payments, payment(n), pinned=1)]
            assert [outcome(one) for one in await all_of(decider, both)] == ["pause", "release"]
        assert time.perf_counter() - began < 5
        assert not any(one.done() for one in waiting)
        assert hanging.under_way == hanging.capacity
        hanging.open.set()
        assert {outcome(one) for one in await asyncio.gather(*waiting)} == {"pause"}

    hanging = Elsewhere(PAUSE, late=late, max_batch=8)
    hanging.open.clear()
    payments = a_line(installation, traffic(arm(1, Here(RELEASE)), arm(2, hanging)))
    refunds = a_line(installation, traffic(arm(1, Here(PAUSE), automation="refunds")), "refunds")
    deciding(installation, [payments, refunds], work)
    assert hanging.most_under_way == hanging.capacity
    assert len(recorded(installation)) == 70


def test_a_fallback_that_hangs_elsewhere_holds_up_no_other_automation(installation: Installation) -> None:
    async def work(decider: Decider) -> None:
        waiting = decider.decide(request_of(payments, payment()))
        for n in range(10):
            assert outcome(await decider.decide(request_of(refunds, payment(n)))) == "pause"
        assert not waiting.done()
        hanging.open.set()
        decision = await waiting
        assert decision is not None
        assert decision.judgement.fallback == Fallback("stable", "PREDICTION_FAILED")

    hanging = Elsewhere(RELEASE, late=late)
    hanging.open.clear()
    payments = a_line(installation, traffic(arm(1, Here(broken)), fallbacks=[("stable", arm(2, hanging))]))
    refunds = a_line(installation, traffic(arm(1, Here(PAUSE), automation="refunds")), "refunds")
    deciding(installation, [payments, refunds], work)


def test_an_arm_elsewhere_that_fails_costs_only_its_own_requests_their_automatic_outcome(
    installation: Installation,
) -> None:
    async def work(decider: Decider) -> None:
        requests = [request_of(line, payment(n), pinned=1 + n % 2) for n in range(40)]
        assert [outcome(one) for one in await all_of(decider, requests)] == ["release", "review"] * 20

    line = a_line(installation, traffic(arm(1, Here(RELEASE)), arm(2, Elsewhere(broken, late=late))))
    deciding(installation, [line], work)


def test_a_caller_with_a_deadline_gets_the_fallback_in_time_though_its_version_hangs(
    installation: Installation,
) -> None:
    async def work(decider: Decider) -> None:
        began = time.perf_counter()
        decision = await decider.decide(request_of(line, payment(), within=1.0))
        assert time.perf_counter() - began < 1.0
        assert decision is not None
        assert decision.judgement.fallback == Fallback("stable", "PREDICTION_TIMED_OUT")

    hanging = Elsewhere(RELEASE, late=late)
    hanging.open.clear()
    line = a_line(installation, traffic(arm(1, hanging), fallbacks=[("stable", arm(2, Here(RELEASE)))]))
    deciding(installation, [line], work)


def test_so_does_a_caller_with_several_rows(installation: Installation) -> None:
    async def work(decider: Decider) -> None:
        began = time.perf_counter()
        decided = await asyncio.gather(
            *decider.decide_all([request_of(line, payment(n), within=1.0) for n in range(10)])
        )
        assert time.perf_counter() - began < 1.0
        fallbacks = [decision.judgement.fallback for decision in decided if decision is not None]
        assert fallbacks == [Fallback("stable", "PREDICTION_TIMED_OUT")] * 10

    hanging = Elsewhere(RELEASE, late=late)
    hanging.open.clear()
    line = a_line(installation, traffic(arm(1, hanging), fallbacks=[("stable", arm(2, Here(RELEASE)))]))
    deciding(installation, [line], work)


def test_urgent_work_overtakes_normal_and_bulk_work(installation: Installation) -> None:
    async def work(decider: Decider) -> list[Priority]:
        order: list[Priority] = []
        first = decider.decide(request_of(line, payment()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting = []
        for priority in (Priority.BULK, Priority.NORMAL, Priority.INTERACTIVE) * 8:
            future = decider.decide(request_of(line, payment(), priority=priority))
            future.add_done_callback(lambda _, priority=priority: order.append(priority))
            waiting.append(future)
        hanging.open.set()
        await asyncio.gather(first, *waiting)
        return order

    hanging = Elsewhere(RELEASE, late=late, capacity=1, max_batch=8)
    hanging.open.clear()
    line = a_line(installation, traffic(arm(1, hanging)))
    order = deciding(installation, [line], work)
    assert order == [Priority.INTERACTIVE] * 8 + [Priority.NORMAL] * 8 + [Priority.BULK] * 8


def test_a_few_callers_that_ask_again_and_again_are_decided_together(installation: Installation) -> None:
    async def ask(decider: Decider, caller: int) -> None:
        for n in range(20):
            assert outcome(await decider.decide(request_of(line, payment(20 * caller + n)))) == "release"

    async def work(decider: Decider) -> None:
        first = [asyncio.create_task(ask(decider, caller)) for caller in range(4)]
        while not here.asked:
            await asyncio.sleep(0)
        await asyncio.gather(*first, *(ask(decider, caller) for caller in range(4, 8)))

    here = Here(RELEASE)
    line = a_line(installation, traffic(arm(1, here)))
    deciding(installation, [line], work)
    assert here.asked == [4, *[8] * 19, 4]


def test_a_few_callers_that_come_back_one_after_the_other_are_decided_together(installation: Installation) -> None:
    async def work(decider: Decider) -> None:
        back: list[Decision | None] = []

        def told(decision: Decision | None, error: BaseException | None) -> None:
            assert (outcome(decision), error) == ("release", None)
            back.append(decision)

        for n in range(8):
            decider.submit(request_of(line, payment(n)), told)
        asked = 8
        while asked < 80:
            if back:
                back.pop()
                decider.submit(request_of(line, payment(asked)), told)
                asked += 1
            await asyncio.sleep(0)

    here = Here(RELEASE)
    line = a_line(installation, traffic(arm(1, here)))
    deciding(installation, [line], work)
    assert here.asked == [8] * 10


def test_nothing_of_a_batch_is_held_when_the_next_requests_are_read(installation: Installation) -> None:
    held: list[bool] = []

    class Caller:
        """Hears its answer, and looks soon after whether anybody still holds it: what came in is read then."""

        def __call__(self, decision: Decision | None, error: BaseException | None) -> None:
            del decision, error
            me = weakref.ref(self)
            asyncio.get_running_loop().call_soon(lambda: held.append(me() is not None))

    async def work(decider: Decider) -> None:
        decider.submit(request_of(line, payment(1)), Caller())

    line = a_line(installation, traffic(arm(1, Here(RELEASE))))
    deciding(installation, [line], work)
    assert held == [False]


def test_a_watcher_that_fails_keeps_nobody_waiting(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Counted):
        def batch(self, reports: Sequence[Any]) -> None:
            super().batch(reports)
            raise ZeroDivisionError

    async def work(decider: Decider) -> list[str]:
        alone = outcome(await decider.decide(request_of(line, payment(1))))
        return [alone, *map(outcome, await all_of(decider, [request_of(line, payment(n)) for n in range(2, 5)]))]

    watcher = Failing()
    line = a_line(installation, traffic(arm(1, Here(RELEASE))))
    assert deciding(installation, [line], work, watcher=watcher) == ["release"] * 4
    gc.collect()  # what nobody waited for is told of then
    assert watcher.decided == 4
    assert "ZeroDivisionError" in caplog.text


def test_a_caller_that_cannot_be_told_keeps_nobody_else_waiting(installation: Installation) -> None:
    async def work(decider: Decider) -> str:
        def gone(decision: Decision | None, error: BaseException | None) -> None:
            raise ConnectionResetError

        decider.submit(request_of(line, payment(1)), gone)
        return outcome(await decider.decide(request_of(line, payment(2))))

    line = a_line(installation, traffic(arm(1, Here(RELEASE))))
    assert deciding(installation, [line], work) == "release"
    assert len(recorded(installation)) == 2


def test_an_answer_that_cannot_be_made_ready_keeps_nobody_from_being_told(installation: Installation) -> None:
    async def work(decider: Decider) -> list[str]:
        def broken(decision: Decision) -> None:
            raise ValueError(decision.request.id)

        first: asyncio.Future[Decision | None] = asyncio.get_running_loop().create_future()
        decider.submit(request_of(line, payment(1)), lambda decision, _: first.set_result(decision), broken)
        return [outcome(one) for one in await asyncio.gather(first, decider.decide(request_of(line, payment(2))))]

    line = a_line(installation, traffic(arm(1, Here(RELEASE))))
    assert deciding(installation, [line], work) == ["release"] * 2


def test_nothing_is_kept_of_an_arm_that_is_retired_and_what_it_had_begun_is_finished(
    installation: Installation,
) -> None:
    async def work(decider: Decider) -> None:
        for number in range(2, 30):
            away = Elsewhere(RELEASE, late=late)
            away.open.clear()
            loaded: Any = away
            lines["payments"] = a_line(installation, traffic(arm(number, loaded)))
            asked = decider.decide(request_of(lines["payments"], payment(number)))
            await asyncio.sleep(0)
            lines["payments"] = champion
            retiring = asyncio.create_task(decider.retire(loaded))
            await asyncio.sleep(0)
            assert not retiring.done()
            away.open.set()
            await retiring
            assert away.closed
            assert outcome(await asked) == "release"
        assert decider.lanes == 1

    champion = a_line(installation, traffic(arm(1, Here(RELEASE))))
    lines = {"payments": champion}

    async def run() -> None:
        decider = Decider(
            installation.database, lambda: lines, clock=installation.clock, controls=Controls({}), watcher=Counted()
        )
        async with asyncio.timeout(30):
            await work(decider)
            await decider.close()

    asyncio.run(run())

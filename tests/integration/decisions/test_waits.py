"""A request that cannot be answered in time is refused at once, by recent durations; abandoned ones are skipped."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest

from andon.decisions import DeadlineExceeded, Decider, Decision, Line, LineBusy
from arms import Elsewhere, Here, arm, request_of, says, traffic
from automations import payment
from lines import Installation

from .deciding import Counted, a_line, all_of, deciding, late, outcome, recorded

RELEASE = says(0.1)


def a_millisecond_each(row: Mapping[str, Any]) -> float:
    time.sleep(0.001)
    return RELEASE(row)


async def three_batches(decider: Decider, line: Line) -> None:
    """So many are needed until it is known what a decision takes."""
    for first in (0, 64, 128):
        await all_of(decider, [request_of(line, payment(first + n)) for n in range(64)])


def test_what_nobody_waits_for_any_more_is_neither_predicted_nor_recorded(installation: Installation) -> None:
    async def work(decider: Decider) -> list[Any]:
        expired = [request_of(line, payment(n), within=0.0) for n in range(5)]
        alive = [request_of(line, payment(n), within=10.0) for n in range(5)]
        futures = [decider.decide(request) for request in (*expired, *alive)]
        return await asyncio.gather(*futures, return_exceptions=True)

    here, watcher = Here(RELEASE), Counted()
    line = a_line(installation, traffic(arm(1, here)))
    answers = deciding(installation, [line], work, watcher=watcher)
    assert [type(one) for one in answers[:5]] == [DeadlineExceeded] * 5
    assert [outcome(one) for one in answers[5:]] == ["release"] * 5
    assert (sum(here.asked), watcher.expired_requests, len(recorded(installation))) == (5, 5, 5)


def test_who_cannot_be_answered_in_time_is_told_at_once_and_when_to_come_again(installation: Installation) -> None:
    async def work(decider: Decider) -> None:
        await three_batches(decider, line)
        hanging.open.clear()
        waiting = [decider.decide(request_of(line, payment(n))) for n in range(300)]
        while not hanging.under_way:
            await asyncio.sleep(0)
        with pytest.raises(LineBusy, match="More is waiting than can be decided in time") as busy:
            decider.decide(request_of(line, payment(), within=0.1))
        assert busy.value.details["retry_after"] >= 1
        patient = decider.decide(request_of(line, payment(), within=30.0))
        hanging.open.set()
        await asyncio.gather(patient, *waiting)

    hanging = Elsewhere(a_millisecond_each, late=late, capacity=1)
    line = a_line(installation, traffic(arm(1, hanging)))
    deciding(installation, [line], work)


def test_who_is_being_decided_counts_for_those_who_come_next_as_those_who_wait_do(installation: Installation) -> None:
    async def work(decider: Decider) -> None:
        await three_batches(decider, line)
        hanging.open.clear()
        under_way = [decider.decide(request_of(line, payment(n))) for n in range(64)]
        while not hanging.under_way:
            await asyncio.sleep(0)
        assert decider.waiting == 0
        with pytest.raises(LineBusy, match="More is waiting than can be decided in time"):
            decider.decide(request_of(line, payment(), within=0.05))
        hanging.open.set()
        await asyncio.gather(*under_way)

    hanging = Elsewhere(a_millisecond_each, late=late, capacity=1)
    line = a_line(installation, traffic(arm(1, hanging)))
    deciding(installation, [line], work)


def test_telling_the_callers_of_a_batch_is_part_of_what_a_decision_takes(installation: Installation) -> None:
    async def work(decider: Decider) -> float:
        told = 0

        def tell(decision: Decision | None, error: BaseException | None) -> None:
            nonlocal told
            assert (outcome(decision), error) == ("release", None)
            told += 1
            time.sleep(0.001)
            if told <= 192:
                decider.submit(request_of(line, payment(told)), tell)

        for n in range(64):
            decider.submit(request_of(line, payment(n)), tell)
        while told < 64 + 192:
            await asyncio.sleep(0.01)
        waiting = [decider.decide(request_of(line, payment(n))) for n in range(100)]
        expected = decider.expected_wait
        await asyncio.gather(*waiting)
        return expected

    line = a_line(installation, traffic(arm(1, Here(RELEASE))))
    assert deciding(installation, [line], work) > 100 * 0.001


def test_a_call_whose_last_row_would_be_too_late_is_refused_before_its_first_is_taken(
    installation: Installation,
) -> None:
    async def work(decider: Decider) -> None:
        await three_batches(decider, line)
        rows = [request_of(line, payment(n), within=4.0) for n in range(5_000)]
        with pytest.raises(LineBusy, match="More is waiting than can be decided in time"):
            decider.decide_all(rows)
        assert decider.waiting == 0

    line = a_line(installation, traffic(arm(1, Here(a_millisecond_each))))
    deciding(installation, [line], work)
    assert len(recorded(installation)) == 192


def test_a_call_that_was_begun_in_time_is_decided_to_its_end_and_one_that_was_not_not_at_all(
    installation: Installation,
) -> None:
    async def work(decider: Decider) -> tuple[list[Any], list[Any]]:
        missed = decider.decide_all([request_of(line, payment(n), within=0.0) for n in range(20)])
        begun = decider.decide_all([request_of(line, payment(n), within=0.3) for n in range(20)])
        return list(await asyncio.gather(*missed, return_exceptions=True)), list(await asyncio.gather(*begun))

    def half_a_second_for_all(row: Mapping[str, Any]) -> float:
        time.sleep(0.025)
        return RELEASE(row)

    slow = Elsewhere(half_a_second_for_all, late=late, capacity=1, max_batch=4)
    line = a_line(installation, traffic(arm(1, slow)))
    expired, decided = deciding(installation, [line], work)
    assert [type(one) for one in expired] == [DeadlineExceeded] * 20
    assert [outcome(one) for one in decided] == ["release"] * 20
    assert len(recorded(installation)) == 20
    assert slow.within[0] < 0.3 < 10 < slow.within[-1]  # nobody waits for the last of them


def test_a_batch_that_stood_still_makes_nobody_look_late(installation: Installation) -> None:
    async def ask(decider: Decider, caller: int) -> None:
        for n in range(10):
            assert outcome(await decider.decide(request_of(line, payment(10 * caller + n)))) == "release"
            waits.append(decider.expected_wait)

    async def work(decider: Decider) -> None:
        for first in (0, 64):
            stands_still.append(True)
            await asyncio.gather(*(ask(decider, first + caller) for caller in range(64)))

    def score(row: Mapping[str, Any]) -> float:
        if stands_still:
            stands_still.clear()
            time.sleep(1.0)
        return RELEASE(row)

    waits: list[float] = []
    stands_still: list[bool] = []
    line = a_line(installation, traffic(arm(1, Here(score))))
    deciding(installation, [line], work)
    assert len(recorded(installation)) == 1280
    assert 0 < max(waits) < 0.25

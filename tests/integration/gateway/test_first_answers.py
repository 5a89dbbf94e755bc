"""Used idempotency keys are asked for together, and each caller hears of its own."""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from andon.decisions import Decider, DecisionRecord, Idempotency, KeyReused, Unwatched
from andon.decisions.errors import LedgerUnavailable
from andon.gateway.decide.first_answers import FirstAnswers
from automations import payment
from calls import DECIDE, call
from lines import CALLER, Installation

Answers = list[DecisionRecord | BaseException | None]


class Counted(Decider):
    """Counts what it is asked for; `away` is what it says from then on."""

    away: LedgerUnavailable | None = None

    def __init__(self, installation: Installation) -> None:
        lines = installation.deployment
        super().__init__(
            installation.database,
            lambda: lines.lines,
            clock=installation.clock,
            controls=lines.controls,
            watcher=Unwatched(),
        )
        self.asked: list[int] = []

    async def used(self, keys: Sequence[Idempotency]) -> set[tuple[str, str]]:
        self.asked.append(len(keys))
        if self.away is not None:
            raise self.away
        return await super().used(keys)


def a_key(number: int, *, raw: bytes = b"{}", caller: str = "bank") -> Idempotency:
    return Idempotency.of("payments", caller, f"transfer-{number}", raw)


async def all_of(*asked: Coroutine[Any, Any, DecisionRecord | None]) -> Answers:
    return list(await asyncio.gather(*asked, return_exceptions=True))


def test_all_who_ask_at_once_are_one_question_and_those_who_come_meanwhile_the_next(
    installation: Installation,
) -> None:
    async def run() -> tuple[list[int], Answers]:
        decider = Counted(installation)
        answers = FirstAnswers(decider, installation.database)
        early = [asyncio.create_task(answers.of(a_key(number))) for number in range(20)]
        while not decider.asked:
            await asyncio.sleep(0)
        late = [answers.of(a_key(number)) for number in range(20, 50)]
        found = await all_of(*late)
        found += await asyncio.gather(*early)
        await decider.close()
        return decider.asked, found

    asked, found = asyncio.run(run())
    assert asked == [20, 30]
    assert found == [None] * 50


def test_each_hears_of_its_own_key(installation: Installation) -> None:
    tokens = {caller: installation.key(caller, CALLER) for caller in ("bank", "other")}
    for caller, number in (("bank", 1), ("bank", 2), ("other", 2)):
        response = call(
            installation,
            "POST",
            DECIDE,
            tokens[caller],
            content=json.dumps(payment(number)),
            headers={"Content-Type": "application/json", "Idempotency-Key": f"transfer-{number}"},
        )
        assert response.status_code == 200
        raw = response.request.content

    async def run() -> Answers:
        decider = Counted(installation)
        answers = FirstAnswers(decider, installation.database)
        asked = (a_key(2, raw=raw), a_key(2, raw=raw, caller="other"), a_key(1, raw=b"another"), a_key(3))
        found = await all_of(*map(answers.of, asked))
        assert decider.asked == [4]
        await decider.close()
        return found

    first, of_another, reused, unused = asyncio.run(run())
    assert isinstance(first, DecisionRecord)
    assert isinstance(of_another, DecisionRecord)
    assert (first.row.caller, of_another.row.caller) == ("bank", "other")
    assert first.record["input"]["payment_id"] == payment(2)["payment_id"]
    assert isinstance(reused, KeyReused)
    assert unused is None


def test_an_outage_is_told_to_all_and_the_next_question_is_asked(installation: Installation) -> None:
    async def run() -> tuple[Answers, DecisionRecord | None]:
        decider = Counted(installation)
        answers = FirstAnswers(decider, installation.database)
        decider.away = LedgerUnavailable()
        failed = await all_of(*(answers.of(a_key(number)) for number in range(3)))
        decider.away = None
        unused = await answers.of(a_key(1))
        await decider.close()
        return failed, unused

    failed, unused = asyncio.run(run())
    assert [type(error) for error in failed] == [LedgerUnavailable] * 3
    assert unused is None


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_who_goes_away_keeps_nobody_from_the_answer(installation: Installation, gone: int) -> None:
    async def run() -> Answers:
        decider = Counted(installation)
        answers = FirstAnswers(decider, installation.database)
        asking = [asyncio.create_task(answers.of(a_key(number))) for number in range(3)]
        while not decider.asked:
            await asyncio.sleep(0)
        asking[gone].cancel()
        found = list(await asyncio.gather(*asking, return_exceptions=True))
        await decider.close()
        return found

    found = asyncio.run(run())
    assert [type(one) for one in found] == [asyncio.CancelledError if n == gone else type(None) for n in range(3)]

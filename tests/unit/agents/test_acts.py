"""The requests of an agent as steps: none is sent that may cost more than is left of its spending limit."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast
from uuid import UUID

import pytest
from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.usage import RequestUsage

from andon import AgentSpec
from andon.agents import AgentStopped, Said
from andon.agents.language_models import LanguageModel
from andon.authoring import Retry, StepFailed
from andon.kernel.clock import SystemClock
from andon.kernel.errors import AndonError
from andon.procedures.agent_acts import StepActs
from andon.spending import Advance

ASKED = [ModelRequest.user_text_prompt("Hi")]
PARAMETERS = ModelRequestParameters()


class Steps:
    """Steps in memory, which try again as often as they are asked to, at once."""

    automation = "payments"
    clock = SystemClock()

    async def recorded(
        self, name: str, function: Callable[[], Awaitable[Any]], *, retry: Retry, alongside: Callable[[Any, Any], None]
    ) -> Any:
        for number in range(1, retry.attempts + 1):
            try:
                value = await function()
            except (ModelAPIError, AndonError) as error:
                if number == retry.attempts or not retry.wants(error):
                    raise StepFailed(name, str(error)) from None
            else:
                alongside(None, {"ok": value})
                return value
        raise AssertionError

    async def look_once(self, work: Callable[[Any], Any]) -> Any:
        return work(None)


class Desk:
    """A desk with one model, which does in turn what a test says, and with advances that note what they are asked."""

    def __init__(self, *does: Exception | None) -> None:
        self.models = self.advances = self
        self.taken: list[int] = []
        self.settled: list[int] = []
        self.sent = 0
        self._does = list(does)

    def open(self, _: str) -> LanguageModel:
        return LanguageModel(FunctionModel(self._answer), 1.0, 10.0, 100)

    def take(self, _: Any, automation: str, most: int, **times: Any) -> Advance:
        del times
        self.taken.append(most)
        return Advance(UUID(int=len(self.taken)), automation, most, None)

    def settle(self, _: Any, advance: Advance, cost: int, now: Any) -> None:
        del advance, now
        self.settled.append(cost)

    def _answer(self, messages: list[ModelMessage], info: Any) -> ModelResponse:
        del messages, info
        self.sent += 1
        failure = self._does.pop(0) if self._does else None
        if failure is not None:
            raise failure
        return ModelResponse([TextPart("Hello.")], usage=RequestUsage(input_tokens=10, output_tokens=10))


MOST = Desk().open("m").most_of(ASKED, PARAMETERS)
COST = 10 * 1_000 + 10 * 10_000


def ask(desk: Desk, money: int | None) -> Said:
    spec = AgentSpec("worker", "m", str)
    acts = StepActs(cast(Any, Steps()), spec, cast(Any, desk), cast(Any, None))
    return asyncio.run(acts.request(ASKED, PARAMETERS, 5.0, money))


@pytest.mark.parametrize("money", [None, MOST], ids=["no limit", "just enough"])
def test_a_request_that_fits_is_paid_for_and_sent(money: int | None) -> None:
    desk = Desk()
    assert ask(desk, money).cost == COST
    assert (desk.sent, desk.taken, desk.settled) == (1, [MOST], [COST])


def test_a_request_that_may_cost_more_than_is_left_is_neither_paid_for_nor_sent() -> None:
    desk = Desk()
    with pytest.raises(AgentStopped, match="was not sent: it may cost up to"):
        ask(desk, MOST - 1)
    assert (desk.sent, desk.taken) == (0, [])


def test_an_attempt_that_may_have_been_paid_uses_up_the_limit() -> None:
    desk = Desk(ModelAPIError("m", "the connection ended"))
    assert ask(desk, 2 * MOST).cost == MOST + COST
    assert (desk.sent, desk.settled) == (2, [COST])
    desk = Desk(ModelAPIError("m", "the connection ended"))
    with pytest.raises(AgentStopped, match="was not sent"):
        ask(desk, 2 * MOST - 1)
    assert desk.sent == 1


def test_an_attempt_that_reached_nobody_costs_nothing() -> None:
    nobody = ModelAPIError("m", "no such server")
    with suppress(ModelAPIError):
        raise nobody from ConnectionRefusedError()
    desk = Desk(nobody)
    assert ask(desk, MOST).cost == COST
    assert (desk.sent, desk.settled) == (2, [0, COST])

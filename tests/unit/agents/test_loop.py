"""The loop of an agent: it asks for tools until it has a result of its type, and stops at each of its limits."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart

from andon import AgentSpec, Limits, Tool
from andon.agents import AgentStopped, Said, ToolEnd
from andon.agents.loop import RESULT, as_json, offered, run
from toolboxes import a_toolbox


class Draft(BaseModel):
    """What the agent gives."""

    subject: str
    refunded: float = 0


Answer = Callable[[Sequence[ModelMessage]], ModelResponse]


class Acts:
    """Acts in memory: a model that answers as a test says, and tools that return what they were given."""

    def __init__(self, *answers: ModelResponse | Answer, goes_on: bool = False, **used: Any) -> None:
        self._answers = list(answers)
        self._goes_on = goes_on
        self._used = {"seconds": 0.0, "tokens": 10, "cost": 0, **used}
        self.called: list[tuple[str, Mapping[str, Any]]] = []
        self.stopped: list[str] = []
        self.told: list[Any] = []
        self.money: list[int | None] = []

    async def request(self, messages: Sequence[Any], parameters: Any, within: float, money: int | None) -> Said:
        del parameters, within
        self.money.append(money)
        self.told += [part.content for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        answer = self._answers.pop(0)
        return Said(as_json(answer if isinstance(answer, ModelResponse) else answer(messages)), **self._used)

    async def call(self, tool: Tool, arguments: Mapping[str, Any]) -> ToolEnd:
        self.called.append((tool.name, arguments))
        return ToolEnd({"done": tool.name})

    async def goes_on(self, why: str) -> bool:
        self.stopped.append(why)
        return self._goes_on


def says(text: str) -> ModelResponse:
    return ModelResponse([TextPart(text)])


def calls(name: str, **arguments: Any) -> ModelResponse:
    return ModelResponse([ToolCallPart(name, arguments)])


def an_agent(result: Any = str, **limits: Any) -> AgentSpec:
    return AgentSpec("drafter", "stub", str, a_toolbox(), result, Limits(**limits), "Answer kindly.")


def result_of(spec: AgentSpec, acts: Acts) -> Any:
    return asyncio.run(run(spec, "hello", acts))


def test_tools_are_called_in_order_and_text_is_the_result() -> None:
    both = ModelResponse([ToolCallPart("balance", {"account": "a1"}), ToolCallPart("balance", {"account": "a2"})])
    acts = Acts(both, says("All is well."))
    assert result_of(an_agent(), acts) == "All is well."
    assert acts.called == [("balance", {"account": "a1"}), ("balance", {"account": "a2"})]
    assert acts.told == [{"done": "balance"}, {"done": "balance"}]


def test_a_typed_result_is_corrected_until_it_fits() -> None:
    acts = Acts(says("here"), calls(RESULT, refunded=1), calls(RESULT, subject="Your card", refunded=2))
    assert result_of(an_agent(Draft), acts) == Draft(subject="Your card", refunded=2)
    assert "subject: Field required" in acts.told[0]


def test_a_result_that_is_no_object_is_wrapped() -> None:
    assert result_of(an_agent(list[int]), Acts(calls(RESULT, result=[1, 2]))) == [1, 2]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (calls("fly"), "There is no tool 'fly'"),
        (calls("refund", account="a1"), "arguments.amount"),
        (ModelResponse([ToolCallPart("refund", "{nonsense")]), "was not made"),
    ],
    ids=["unknown", "missing", "malformed"],
)
def test_a_wrong_call_is_answered_and_not_made(asked: ModelResponse, told: str) -> None:
    acts = Acts(asked, says("Sorry."))
    assert result_of(an_agent(), acts) == "Sorry."
    assert acts.called == []
    assert told in acts.told[0]


@pytest.mark.parametrize(
    ("limits", "used", "why"),
    [
        ({"steps": 3}, {}, "3 steps"),
        ({"tokens": 25}, {"tokens": 10}, "30 of 25 tokens"),
        ({"time": timedelta(seconds=3)}, {"seconds": 2.0}, "worked for"),
        ({"money": 0.5}, {"cost": 300_000_000}, "spent 0.6 of 0.5"),
    ],
    ids=["steps", "tokens", "time", "money"],
)
def test_each_limit_ends_at_a_person(limits: dict[str, Any], used: dict[str, Any], why: str) -> None:
    acts = Acts(*[calls("balance", account="a1")] * 9, **used)
    with pytest.raises(AgentStopped, match=why):
        result_of(an_agent(**limits), acts)
    assert why in acts.stopped[0]


def test_each_request_is_given_what_is_left_of_the_money() -> None:
    acts = Acts(*[calls("balance", account="a1")] * 2, says("Done."), cost=300_000_000)
    assert result_of(an_agent(money=1.0), acts) == "Done."
    assert acts.money == [1_000_000_000, 700_000_000, 400_000_000]
    free = Acts(says("Done."), cost=300_000_000)
    assert result_of(an_agent(), free) == "Done."
    assert free.money == [None]


def test_a_person_may_let_it_go_on_with_its_limits_anew() -> None:
    acts = Acts(calls("balance", account="a1"), calls("balance", account="a1"), says("Done."), goes_on=True)
    assert result_of(an_agent(steps=3), acts) == "Done."
    assert len(acts.stopped) == 1


def test_what_was_done_before_a_limit_is_answered_as_done_when_a_person_lets_it_go_on() -> None:
    both = ModelResponse([ToolCallPart("balance", {"account": "a1"}), ToolCallPart("balance", {"account": "a2"})])
    acts = Acts(both, says("Done."), goes_on=True)
    assert result_of(an_agent(steps=2), acts) == "Done."
    assert acts.called == [("balance", {"account": "a1"})]
    assert acts.told == [{"done": "balance"}, "The call was not made."]


def test_tools_whose_names_differ_only_in_what_providers_refuse_stay_apart() -> None:
    tools = {name: Tool(name, via=None) for name in ("a.b", "a/b", "a_b", RESULT)}
    names = {offered_as: tool.name for offered_as, tool in offered(tools).items()}
    assert names == {"a_b_2": "a.b", "a_b_3": "a/b", "a_b": "a_b", f"{RESULT}_2": RESULT}


@pytest.mark.parametrize(
    "refusal",
    [ModelResponse([TextPart("I cannot")], finish_reason="content_filter"), ModelResponse([])],
    ids=["filtered", "empty"],
)
def test_a_refusal_ends_at_a_person(refusal: ModelResponse) -> None:
    acts = Acts(refusal)
    with pytest.raises(AgentStopped):
        result_of(an_agent(), acts)
    assert acts.stopped == ["its model refused to answer"]

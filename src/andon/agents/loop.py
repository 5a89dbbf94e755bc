"""The loop of an agent: ask the model and carry out its tool calls until it returns a result of the declared type.

The history is rebuilt from the return values of the acts, so only the responses and the ends of calls are stored.
"""

from collections.abc import Mapping
from itertools import chain, count
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    SystemPromptPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from andon.agents.domain import AgentStopped, Used
from andon.agents.ports import AgentActs
from andon.authoring import AgentSpec, Tool
from andon.kernel.errors import AndonError
from andon.tools import check_arguments

RESULT = "final_result"
"""The tool with which a model gives a result that is not text."""

_NO_RESULT = f"Give your answer by calling {RESULT}."


async def run(spec: AgentSpec, prompt: str, acts: AgentActs) -> Any:
    """Return the agent's result. Raises AgentStopped if the agent has none and no person lets it continue."""
    return await _Loop(spec, acts).run(prompt)


def as_json(response: ModelResponse) -> Any:
    """Return a response in its stored form."""
    return ModelMessagesTypeAdapter.dump_python([response], mode="json")[0]


class _Loop:
    def __init__(self, spec: AgentSpec, acts: AgentActs) -> None:
        self._spec = spec
        self._acts = acts
        self._result: TypeAdapter[Any] = TypeAdapter(spec.result)
        self._text = spec.result is str
        self._tools = {} if spec.toolbox is None else offered(spec.toolbox.tools)
        self._used = Used()
        self._messages: list[ModelMessage] = []
        self._answers: list[ModelRequestPart] = []
        """The answers to the last response so far: what was done is never told to be undone."""

    async def run(self, prompt: str) -> Any:
        begin: list[ModelRequestPart] = [SystemPromptPart(self._spec.instructions)] if self._spec.instructions else []
        self._messages.append(ModelRequest(parts=[*begin, UserPromptPart(prompt)]))
        while True:
            try:
                response = await self._respond()
                self._answers = []
                for call in response.tool_calls:
                    if call.tool_name == RESULT and not self._text:
                        done, value = self._read(call)
                        if done:
                            return value
                        self._answers.append(_answer(call, value))
                    else:
                        self._require_room()
                        self._answers.append(await self._call(call))
                if not response.tool_calls:
                    if self._text:
                        return response.text or ""
                    self._answers.append(UserPromptPart(_NO_RESULT))
                self._messages.append(ModelRequest(parts=self._answers))
            except AgentStopped as stopped:
                if not await self._acts.goes_on(str(stopped)):
                    raise
                self._used = Used()
                self._close_calls()

    async def _respond(self) -> ModelResponse:
        self._require_room()
        within = max(1.0, self._used.time_left(self._spec.limits).total_seconds())
        money = self._used.money_left(self._spec.limits)
        said = await self._acts.request(list(self._messages), self._parameters(), within, money)
        self._used.add(tokens=said.tokens, seconds=said.seconds, cost=said.cost)
        [response] = ModelMessagesTypeAdapter.validate_python([said.response])
        assert isinstance(response, ModelResponse)  # noqa: S101 - the acts keep nothing else
        if response.finish_reason == "content_filter" or not response.parts:
            raise AgentStopped("its model refused to answer")
        self._messages.append(response)
        return response

    def _require_room(self) -> None:
        reached = self._used.reached(self._spec.limits)
        if reached is not None:
            raise AgentStopped(reached)

    async def _call(self, call: ToolCallPart) -> ToolReturnPart:
        box, tool = self._spec.toolbox, self._tools.get(call.tool_name)
        if box is None or tool is None:
            self._used.add()
            return _answer(call, f"There is no tool {call.tool_name!r}; there are: {', '.join(self._tools) or 'none'}")
        try:
            arguments: Mapping[str, Any] = call.args_as_dict(raise_if_invalid=True)
            check_arguments(box, tool.name, arguments)
        except (AndonError, ValueError, TypeError) as error:
            self._used.add()
            return _answer(call, f"The call was not made. {error}")
        end = await self._acts.call(tool, arguments)
        self._used.add(seconds=end.seconds)
        return _answer(call, end.told)

    def _read(self, call: ToolCallPart) -> tuple[bool, Any]:
        """Return True and the result if it is of the declared type, otherwise False and its faults."""
        try:
            given = call.args_as_dict(raise_if_invalid=True)
            return True, self._result.validate_python(given if self._is_object else given.get("result"))
        except (ValidationError, ValueError) as error:
            return False, f"This is not a valid result: {_faults(error)}"

    @property
    def _is_object(self) -> bool:
        return bool(self._result.json_schema().get("type") == "object")

    def _parameters(self) -> ModelRequestParameters:
        function_tools = [_defined(name, tool) for name, tool in self._tools.items()]
        if self._text:
            return ModelRequestParameters(function_tools=function_tools)
        schema = self._result.json_schema()
        if not self._is_object:
            schema = {"type": "object", "properties": {"result": schema}, "required": ["result"]}
        result = ToolDefinition(
            name=RESULT, parameters_json_schema=schema, description="The result, when you have it.", kind="output"
        )
        return ModelRequestParameters(
            function_tools=function_tools, output_tools=[result], output_mode="tool", allow_text_output=False
        )

    def _close_calls(self) -> None:
        """Answer the calls of the last response that were not made, beside the answers of those that were."""
        last = self._messages[-1]
        if isinstance(last, ModelResponse):
            left = last.tool_calls[len(self._answers) :]
            unmade: list[ModelRequestPart] = [_answer(call, "The call was not made.") for call in left]
            self._messages.append(ModelRequest(parts=[*self._answers, *unmade] or [UserPromptPart("Continue.")]))


def _answer(call: ToolCallPart, told: Any) -> ToolReturnPart:
    return ToolReturnPart(call.tool_name, told, call.tool_call_id)


def offered(tools: Mapping[str, Tool]) -> dict[str, Tool]:
    """Return tools by the names that a model is offered: only characters that providers accept, each name once.

    Where names would be the same (`a.b` and `a/b`), the later ones of the toolbox end with a number.
    """
    found: dict[str, Tool] = {}
    for name, tool in tools.items():
        plain = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in name)
        names = chain([plain], (f"{plain}_{number}" for number in count(2)))
        free = (one for one in names if one not in found and one != RESULT and (one == name or one not in tools))
        found[next(free)] = tool
    return found


def _defined(name: str, tool: Tool) -> ToolDefinition:
    return ToolDefinition(name=name, parameters_json_schema=tool.schema, description=tool.description)


def _faults(error: Exception) -> str:
    if isinstance(error, ValidationError):
        found = error.errors(include_input=False, include_url=False)
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
    return str(error)

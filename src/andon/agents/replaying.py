"""Replays of a recorded run of an agent, with another model or instructions, on the recorded results of its tools.

A call that the recorded run did not make has no result. The model receives a notice, and the difference shows the call.
"""

import json
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any, Protocol

from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse, ToolCallPart

from andon.agents.domain import AgentStopped, Said, ToolEnd, failure_of, refusal_of
from andon.agents.errors import RequestTooDear
from andon.agents.language_models import LanguageModel
from andon.agents.loop import RESULT, as_json, offered, run
from andon.authoring import AgentSpec, Tool
from andon.tools import CallState, ToolCallInvalid, check_arguments, digest_of

UNKNOWN = "This call is not in the recorded run, so it has no result."


class StoredStep(Protocol):
    """A finished step in its stored form."""

    @property
    def name(self) -> str: ...
    @property
    def output(self) -> Any: ...


@dataclass(slots=True)
class RecordedRun:
    """A recorded run: the prompt, the responses of the model, and the answers to its tool calls."""

    agent: str
    prompt: str
    instructions: str
    model: str
    responses: list[ModelResponse] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The acts of the agent, one per line."""
        return [line for response in self.responses for line in _lines(response)]


@dataclass(frozen=True, slots=True)
class ReplayedRun:
    """The acts of both runs, and the calls for which the recorded run has no result."""

    before: Sequence[str]
    after: Sequence[str]
    unknown: Sequence[str]

    @property
    def difference(self) -> list[str]:
        """The lines of a unified diff; empty if both runs did the same."""
        return list(unified_diff(self.before, self.after, "recorded", "replayed", lineterm="", n=100))


def runs_in(steps: Sequence[StoredStep]) -> list[RecordedRun]:
    """Read the runs of agents from the steps of a procedure, in order."""
    found: list[RecordedRun] = []
    for step in steps:
        kind, _, name = step.name.partition(":")
        output = step.output if isinstance(step.output, dict) else {}
        if kind == "agent":
            began = output["ok"]
            found.append(RecordedRun(name, began["prompt"], began["instructions"], began["model"]))
        elif found and step.name == f"model:{found[-1].agent}" and "ok" in output:
            [response] = ModelMessagesTypeAdapter.validate_python([output["ok"]["response"]])
            if isinstance(response, ModelResponse):
                found[-1].responses.append(response)
        elif found and kind in ("tool", "perform", "delivery", "approval"):
            found[-1].told += _told(name, output)
    return found


async def replay(spec: AgentSpec, recorded: RecordedRun, model: LanguageModel) -> ReplayedRun:
    """Run an agent again on the prompt and the tool results of its recorded run."""
    acts = _Acts(spec, recorded, model)
    try:
        await run(spec, recorded.prompt, acts)
    except AgentStopped as stopped:
        acts.done.append(f"stopped: {stopped}")
    return ReplayedRun(recorded.lines, acts.done, acts.unknown)


class _Acts:
    """Acts that answer tool calls with the recorded results."""

    def __init__(self, spec: AgentSpec, recorded: RecordedRun, model: LanguageModel) -> None:
        self._model = model
        self._answers = _answers(spec, recorded)
        self.done: list[str] = []
        self.unknown: list[str] = []

    async def request(self, messages: Sequence[Any], parameters: Any, within: float, money: int | None) -> Said:
        settings: Any = {"max_tokens": self._model.max_tokens, "timeout": within}
        try:
            self._model.most_within(money, messages, parameters)
            response = await self._model.model.request(list(messages), settings, parameters)
        except RequestTooDear as error:
            raise AgentStopped(f"its model gave no answer ({error})") from None
        except (AgentRunError, OSError) as error:
            raise AgentStopped(f"its model gave no answer ({type(error).__name__}: {error})") from None
        self.done += _lines(response)
        usage = response.usage
        tokens = usage.input_tokens + usage.output_tokens
        return Said(as_json(response), 0.0, tokens, self._model.cost_of(usage))

    async def call(self, tool: Tool, arguments: Mapping[str, Any]) -> ToolEnd:
        waiting = self._answers.get((tool.name, digest_of(arguments)))
        if waiting:
            return ToolEnd(waiting.popleft())
        self.unknown.append(f"{tool.name} {json.dumps(arguments, sort_keys=True)}")
        return ToolEnd(UNKNOWN)

    async def goes_on(self, why: str) -> bool:
        del why
        return False


def _answers(spec: AgentSpec, recorded: RecordedRun) -> dict[tuple[str, str], deque[Any]]:
    """Return the answers to each call, in order, without invalid calls, which the loop itself answers."""
    answers: dict[tuple[str, str], deque[Any]] = defaultdict(deque)
    told = deque(recorded.told)
    names = {} if spec.toolbox is None else {name: tool.name for name, tool in offered(spec.toolbox.tools).items()}
    for response in recorded.responses:
        for call in response.tool_calls:
            arguments = _arguments(call)
            if spec.toolbox is None or call.tool_name == RESULT or not told:
                continue
            name = names.get(call.tool_name, call.tool_name)
            try:
                check_arguments(spec.toolbox, name, arguments)
            except ToolCallInvalid:
                continue
            answers[name, digest_of(arguments)].append(told.popleft())
    return answers


def _told(name: str, output: Mapping[str, Any]) -> list[Any]:
    """Return what the agent received at the end of a call; nothing for a step that did not end the call."""
    if "failed" in output:
        return [failure_of(name, output["failed"])]
    for part in ("ok", "refused"):
        if part in output:
            return [output[part]]
    state = output.get("state")
    return [refusal_of(name, state)] if state in (CallState.REFUSED, CallState.EXPIRED) else []


def _lines(response: ModelResponse) -> list[str]:
    calls = [f"{call.tool_name} {json.dumps(_arguments(call), sort_keys=True)}" for call in response.tool_calls]
    return [*calls, *([response.text] if response.text else [])]


def _arguments(call: ToolCallPart) -> dict[str, Any]:
    try:
        return call.args_as_dict(raise_if_invalid=True)
    except ValueError:
        return {}

"""The acts of an agent as steps of a procedure: requests to its model, calls of tools, and questions to people."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_ai.exceptions import ModelAPIError, ModelRequestRejectedError

from andon import spending
from andon.agents import AgentStopped, Said, ToolEnd
from andon.agents.loop import as_json
from andon.authoring import AgentSpec, Retry, StepFailed, Tool
from andon.kernel.db import Tx
from andon.procedures.ports import AgentDesk
from andon.procedures.tool_calling import ToolSteps

if TYPE_CHECKING:
    from andon.procedures.steps import Steps

GO_ON, STOP = "continue", "stop"
"""What a person may answer when an agent has stopped."""


def began_as(spec: AgentSpec, began: Mapping[str, Any]) -> AgentSpec:
    """Return an agent with the instructions with which its run began, whatever the code says meanwhile."""
    return replace(spec, instructions=began["instructions"])


class NoBudgetLeft(Exception):
    """The automation's budget has no room for another request to a model."""


class StepActs:
    """`AgentActs` for one agent in one execution."""

    def __init__(self, steps: "Steps", spec: AgentSpec, desk: AgentDesk, calls: ToolSteps) -> None:
        self._steps = steps
        self._spec = spec
        self._desk = desk
        self._calls = calls

    async def request(self, messages: Sequence[Any], parameters: Any, within: float) -> Said:
        """Ask the model in one step; its response and what it cost are kept together."""
        ask = partial(self._ask, messages, parameters, within)
        retry = Retry(attempts=4, on=(ModelAPIError, OSError), never=(ModelRequestRejectedError, TimeoutError))
        try:
            said = await self._steps.recorded(f"model:{self._spec.name}", ask, retry=retry, alongside=self._charge)
        except StepFailed as failed:
            raise AgentStopped(f"its model gave no answer ({failed.why})") from None
        return Said(said["response"], said["seconds"], said["tokens"], said["cost"])

    async def call(self, tool: Tool, arguments: Mapping[str, Any]) -> ToolEnd:
        """Have a call decided and carried out."""
        box = self._spec.toolbox
        assert box is not None  # noqa: S101 - a tool comes from there
        ended = await self._calls.call(box, tool, arguments, caller=self._spec.caller, agent=self._spec.name)
        told = ended["ok"] if "ok" in ended else ended.get("refused") or f"{tool.name} failed: {ended['failed']}"
        return ToolEnd(told, ended["seconds"])

    async def goes_on(self, why: str) -> bool:
        """Ask a person, in the agent's queue."""
        question = f"The agent {self._spec.name} stopped: {why}. Shall it go on, with its limits anew?"
        answer = await self._steps.ask(question, choices=(GO_ON, STOP), queue=self._spec.queue)
        return answer.choice == GO_ON

    async def _ask(self, messages: Sequence[Any], parameters: Any, within: float) -> dict[str, Any]:
        model = self._desk.models.open(self._spec.model)
        await self._steps.look_once(self._require_budget)
        began = time.monotonic()
        async with asyncio.timeout(within):
            response = await model.model.request(
                list(messages), {"max_tokens": model.max_tokens, "timeout": within}, parameters
            )
        usage = response.usage
        return {
            "response": as_json(response),
            "seconds": time.monotonic() - began,
            "tokens": usage.input_tokens + usage.output_tokens,
            "cost": model.cost_of(usage),
        }

    def _require_budget(self, tx: Tx) -> None:
        if not spending.has_room(tx, self._steps.automation, self._steps.clock.now()):
            raise NoBudgetLeft(f"the budget of {self._steps.automation} is spent")

    def _charge(self, tx: Tx, ended: Mapping[str, Any]) -> None:
        said = ended.get("ok")
        if said is not None and said["cost"]:
            spending.charge(tx, self._steps.automation, self._desk.currency, said["cost"], now=self._steps.clock.now())

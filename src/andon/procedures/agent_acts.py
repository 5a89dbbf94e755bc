"""The acts of an agent as steps of a procedure: requests to its model, calls of tools, and questions to people."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_ai.exceptions import ModelAPIError, ModelRequestRejectedError

from andon.agents import AgentStopped, Said, ToolEnd, failure_of
from andon.agents.language_models import is_free
from andon.agents.loop import as_json
from andon.authoring import AgentSpec, Retry, StepFailed, Tool
from andon.kernel.db import Tx
from andon.procedures.ports import AgentDesk
from andon.procedures.tool_calling import ToolSteps
from andon.spending import Advance

if TYPE_CHECKING:
    from andon.procedures.steps import Steps

GO_ON, STOP = "continue", "stop"
"""The answers that a person may give when an agent has stopped."""

_MARGIN = timedelta(minutes=1)
"""The time by which an advance outlives its request's limit, so that a slow commit still settles it."""


def began_as(spec: AgentSpec, began: Mapping[str, Any]) -> AgentSpec:
    """Return an agent with the instructions with which its run began, whatever the code says by now."""
    return replace(spec, instructions=began["instructions"])


@dataclass(slots=True)
class _Room:
    """The most that one request of an agent may cost, and that earlier attempts at it may have cost."""

    money: int | None
    lost: int = 0

    @property
    def left(self) -> int | None:
        return None if self.money is None else max(0, self.money - self.lost)


class StepActs:
    """`AgentActs` for one agent in one execution."""

    def __init__(self, steps: "Steps", spec: AgentSpec, desk: AgentDesk, calls: ToolSteps) -> None:
        self._steps = steps
        self._spec = spec
        self._desk = desk
        self._calls = calls
        self._advance: Advance | None = None

    async def request(self, messages: Sequence[Any], parameters: Any, within: float, money: int | None) -> Said:
        """Ask the model in one step; its response and its cost are kept together."""
        ask = partial(self._ask, messages, parameters, within, _Room(money))
        retry = Retry(attempts=4, on=(ModelAPIError, OSError), never=(ModelRequestRejectedError, TimeoutError))
        try:
            said = await self._steps.recorded(f"model:{self._spec.name}", ask, retry=retry, alongside=self._charge)
        except StepFailed as failed:
            raise AgentStopped(f"its model gave no answer ({failed.why})") from None
        return Said(said["response"], said["seconds"], said["tokens"], said["cost"] + said.get("lost", 0))

    async def call(self, tool: Tool, arguments: Mapping[str, Any]) -> ToolEnd:
        """Have a call decided and carried out."""
        box = self._spec.toolbox
        assert box is not None  # noqa: S101 - a tool comes from there
        ended = await self._calls.call(box, tool, arguments, caller=self._spec.caller, agent=self._spec.name)
        told = ended["ok"] if "ok" in ended else ended.get("refused") or failure_of(tool.name, ended["failed"])
        return ToolEnd(told, ended["seconds"])

    async def goes_on(self, why: str) -> bool:
        """Ask a person, in the agent's queue."""
        question = f"The agent {self._spec.name} stopped: {why}. Shall it continue, with its limits reset?"
        answer = await self._steps.ask(question, choices=(GO_ON, STOP), queue=self._spec.queue)
        return answer.choice == GO_ON

    async def _ask(self, messages: Sequence[Any], parameters: Any, within: float, room: "_Room") -> dict[str, Any]:
        """Reserve the maximum cost of the request, and send it. Raises RequestTooDear, BudgetExhausted."""
        model = self._desk.models.open(self._spec.model)
        most = model.most_within(room.left, messages, parameters)
        self._advance = await self._steps.look_once(partial(self._reserve, most, timedelta(seconds=within)))
        began = time.monotonic()
        try:
            async with asyncio.timeout(within):
                response = await model.model.request(
                    list(messages), {"max_tokens": model.max_tokens, "timeout": within}, parameters
                )
        except Exception as error:
            if is_free(error):
                await self._steps.look_once(partial(self._settle, cost=0))
            else:  # the request may have been charged: its advance counts as spent when it is overdue
                room.lost += most
            raise
        usage = response.usage
        return {
            "response": as_json(response),
            "seconds": time.monotonic() - began,
            "tokens": usage.input_tokens + usage.output_tokens,
            "cost": model.cost_of(usage),
            "lost": room.lost,
        }

    def _reserve(self, most: int, within: timedelta, tx: Tx) -> Advance:
        now = self._steps.clock.now()
        return self._desk.advances.take(tx, self._steps.automation, most, until=now + within + _MARGIN, now=now)

    def _charge(self, tx: Tx, ended: Mapping[str, Any]) -> None:
        """Settle a successful request along with the step that keeps its response."""
        if "ok" in ended:
            self._settle(tx, ended["ok"]["cost"])

    def _settle(self, tx: Tx, cost: int) -> None:
        assert self._advance is not None  # noqa: S101 - a request was sent
        self._desk.advances.settle(tx, self._advance, cost, self._steps.clock.now())

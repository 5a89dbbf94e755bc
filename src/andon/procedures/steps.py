"""The argument of a procedure's function (`andon.Procedure`): each method is a step that is performed once."""

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast
from uuid import UUID

import structlog

from andon.agents import AgentStopped
from andon.authoring import (
    AGENT_CALLER,
    ActionSpec,
    AgentSpec,
    Answered,
    Compensation,
    Received,
    Retry,
    StepFailed,
    Toolbox,
)
from andon.kernel.clock import Clock
from andon.kernel.db import Tx
from andon.kernel.durable import LEAVING, Waiting
from andon.kernel.durable.running import Running
from andon.procedures import store, waiting
from andon.procedures.domain import UNDO, ProcedureRecord, StepAttempt
from andon.procedures.ports import AgentDesk, StepObserver
from andon.procedures.tool_calling import ToolSteps
from andon.procedures.values import as_json, as_returned, words_of
from andon.procedures.waiting import Ended
from andon.tools import check_arguments

T = TypeVar("T")

PATIENCE = timedelta(seconds=2)
"""The longest wait between attempts that a step spends in memory; a longer one it spends as a row."""

_DEFAULT = Retry()
_log = structlog.get_logger(__name__)
_random = random.Random()  # noqa: S311 - jitter and a builder's chance, not a secret


class Steps:
    """The steps of one execution. `failures` says how often each step has failed before."""

    def __init__(
        self,
        procedure: ProcedureRecord,
        running: Running,
        clock: Clock,
        failures: Mapping[int, int],
        observer: StepObserver,
        desk: AgentDesk | None = None,
    ) -> None:
        self._desk = desk
        self._procedure = procedure
        self._running = running
        self._clock = clock
        self._failures = failures
        self._observer = observer
        self._done: list[tuple[str, Compensation]] = []
        self._undoing = False

    @property
    def id(self) -> UUID:
        """The procedure's own id."""
        return self._procedure.id

    @property
    def automation(self) -> str:
        """The automation whose decision started it."""
        return self._procedure.automation

    @property
    def decision_id(self) -> UUID:
        """The decision that started it."""
        return self._procedure.decision_id

    async def step(
        self,
        function: Callable[..., Awaitable[T]] | Callable[..., T],
        *args: Any,
        name: str | None = None,
        retry: Retry | None = None,
        compensate: Compensation | None = None,
    ) -> T:
        """Call a function once."""
        called = name or str(getattr(function, "__name__", type(function).__name__))
        what = self._named(f"step:{called}")
        ended = await self._running.step(what, partial(self._try, called, function, args, retry or _DEFAULT))
        value = self._value(called, ended)
        self._remember(called, compensate)
        return cast(T, as_returned(function, value))

    async def call(
        self, toolbox: Toolbox, tool: str, arguments: Mapping[str, Any] | None = None, *, agent: str | None = None
    ) -> Any:
        """Have a call of a tool decided and carried out."""
        given = as_json(dict(arguments or {}), tool)
        check_arguments(toolbox, tool, given)
        found = toolbox.find(tool)
        assert found is not None  # noqa: S101 - it was checked
        name = agent or self._procedure.name
        ended = await self._tools().call(toolbox, found, given, caller=f"{AGENT_CALLER}{name}", agent=name)
        if "refused" in ended:
            raise StepFailed(tool, ended["refused"])
        return self._value(tool, ended)

    async def agent(self, spec: AgentSpec, data: Any) -> Any:
        """Let an agent work until it has a result or a person stops it."""
        from andon.agents import loop  # imported here: it needs pydantic-ai, and most procedures have no agents
        from andon.procedures.agent_acts import StepActs, began_as

        tools, desk = self._tools(), self._desk
        assert desk is not None  # noqa: S101 - `_tools` has looked
        try:
            began = await self._kept(
                f"agent:{spec.name}",
                lambda: {"prompt": spec.prompt(data), "instructions": spec.instructions, "model": spec.model},
            )
            return await loop.run(began_as(spec, began), began["prompt"], StepActs(self, spec, desk, tools))
        except AgentStopped as stopped:
            raise StepFailed(spec.name, str(stopped)) from None

    async def recorded(
        self,
        name: str,
        function: Callable[[], Awaitable[Any]],
        *,
        retry: Retry,
        alongside: Callable[[Tx, Any], None],
    ) -> Any:
        """Call a function once, and write further data along with its result."""
        body = partial(self._try, name, function, (), retry)
        return self._value(name, await self._running.step(self._named(name), body, alongside=alongside))

    async def look_once(self, work: Callable[[Tx], T]) -> T:
        """Read something within a step."""
        return await self._running.in_transaction(work)

    @property
    def clock(self) -> Clock:
        """The clock of the process."""
        return self._clock

    def _tools(self) -> ToolSteps:
        if self._desk is None:
            raise StepFailed("tools", "this process cannot decide calls of tools")
        return ToolSteps(self._procedure, self._running, self._clock, self._desk)

    async def deliver(
        self, action: ActionSpec, data: Mapping[str, Any], *, event: str, compensate: Compensation | None = None
    ) -> None:
        """Hand a delivery to the outbox and wait for its end."""
        content = as_json(dict(data), event)
        ended = await self._look(f"deliver:{event}", waiting.for_delivery, action=action, event=event, data=content)
        if ended.get("unknown") or "ok" in ended:  # a delivery that may have arrived is undone like one that did
            self._remember(event, compensate)
        self._value(event, ended)

    async def wait_for(self, event: str, *, within: timedelta | None = None) -> Received | None:
        """Take an event or wait for it."""
        found = self._value(event, await self._look(f"wait:{event}", waiting.for_event, event=event, within=within))
        if found is None:
            return None
        return Received(event, found["data"], found["by"], datetime.fromisoformat(found["at"]))

    async def ask(
        self, question: str, *, choices: Sequence[str], queue: str | None = None, due: timedelta = timedelta(hours=24)
    ) -> Answered:
        """Open a review and wait for its verdict."""
        to = queue or self.automation
        ended = await self._look(
            f"ask:{to}", waiting.for_answer, question=question, choices=tuple(choices), queue=to, due=due
        )
        found = self._value(to, ended)
        return Answered(found["choice"], found["reason"], found["by"], datetime.fromisoformat(found["at"]))

    async def sleep(self, span: timedelta) -> None:
        """Wait for a while."""
        await self._look("sleep", waiting.for_time, until=self._clock.now() + span)

    async def sleep_until(self, moment: datetime) -> None:
        """Wait until a moment."""
        await self._look("sleep", waiting.for_time, until=moment)

    async def now(self) -> datetime:
        """Return the time, the same after a restart."""
        return datetime.fromisoformat(await self._kept("now", lambda: self._clock.now().isoformat()))

    async def random(self) -> float:
        """Return a random number, the same after a restart."""
        return float(await self._kept("random", _random.random))

    async def undo(self) -> list[str]:
        """Compensate all finished steps, the last first. Return the failures, which do not stop the others."""
        self._undoing = True
        left: list[str] = []
        while self._done:
            name, compensation = self._done.pop()
            try:
                await compensation()
            except LEAVING:
                raise
            except BaseException as error:  # noqa: BLE001 - a compensation is the builder's code; reported and logged
                _log.error("procedure.not_undone", procedure_id=str(self.id), step=name, error=type(error).__name__)
                left.append(f"{name} could not be undone: {words_of(error)}")
        return left

    async def _look(self, name: str, look: Callable[..., Ended | Waiting], **about: Any) -> Ended:
        what = self._named(name)

        def check(tx: Tx, now: datetime, number: int) -> Ended | Waiting:
            return look(tx, now, self._procedure, number, what, **about)

        ended: Ended = await self._running.look(what, check)
        return ended

    async def _kept(self, name: str, ask: Callable[[], Any]) -> Any:
        async def body(number: int) -> Ended:
            del number
            return {"ok": ask()}

        return (await self._running.step(self._named(name), body))["ok"]

    def _named(self, name: str) -> str:
        return f"{UNDO}{name}" if self._undoing else name

    def _remember(self, name: str, compensate: Compensation | None) -> None:
        if compensate is not None and not self._undoing:
            self._done.append((name, compensate))

    def _value(self, name: str, ended: Ended) -> Any:
        if "failed" in ended:
            raise StepFailed(name, ended["failed"])
        return ended["ok"]

    async def _try(
        self, name: str, function: Callable[..., Any], args: Sequence[Any], retry: Retry, step: int
    ) -> Ended:
        """Call the function until it succeeds or is given up.

        Failures are recorded, so a restart continues the count.
        """
        number = self._failures.get(step, 0)
        while True:
            number += 1
            began_at = self._clock.now()
            try:
                return {"ok": await self._call(name, function, args)}
            except LEAVING:
                raise
            except BaseException as error:  # noqa: BLE001 - the builder's code; the error is kept and told
                failed = error
            self._observer.step_failed(self._procedure.name, name)
            what, ended_at = self._named(f"step:{name}"), self._clock.now()
            attempt = StepAttempt(step, what, number, began_at, ended_at, words_of(failed))
            note = partial(store.add_attempt, procedure_id=self.id, attempt=attempt)
            given_up = number >= retry.attempts or not retry.wants(failed)
            wait = timedelta() if given_up else retry.wait(number, _random.random())
            if wait > PATIENCE:
                await self._running.pause(note, wait)
            await self._running.in_transaction(note)
            if given_up:
                return {"failed": attempt.error}
            await asyncio.sleep(wait.total_seconds())

    async def _call(self, name: str, function: Callable[..., Any], args: Sequence[Any]) -> Any:
        began = asyncio.get_running_loop().time()
        if inspect.iscoroutinefunction(function):
            value = await function(*args)
        else:
            value = await self._running.in_thread(function, *args)
        self._observer.step_done(self._procedure.name, name, asyncio.get_running_loop().time() - began)
        return as_json(value, name)

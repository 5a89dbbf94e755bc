"""A procedure rehearsed in memory, for a builder's tests: no database, no waits; given events, answers and refusals."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

from pydantic import TypeAdapter

from andon.authoring import (
    ActionSpec,
    AgentSpec,
    Answered,
    Compensation,
    ProcedureSpec,
    Received,
    Retry,
    StepFailed,
    Toolbox,
)
from andon.procedures.domain import UNDO
from andon.procedures.values import as_given, as_json, as_returned, words_of
from andon.tools import check_arguments

T = TypeVar("T")

_BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
_WHO = "rehearsal"


@dataclass(slots=True)
class Rehearsal:
    """The record of a rehearsal: the names of steps in order, deliveries, the result or error, and the time taken."""

    steps: list[str] = field(default_factory=list)
    delivered: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    """Destination, event and data, in order."""
    result: Any = None
    error: str | None = None
    took: timedelta = timedelta()


async def rehearse(
    spec: ProcedureSpec,
    decision: Mapping[str, Any],
    *,
    events: Mapping[str, Sequence[Any]] | None = None,
    answers: Sequence[str] = (),
    refuse: Sequence[str] = (),
    results: Mapping[str, Sequence[Any]] | None = None,
) -> Rehearsal:
    """Run a procedure immediately. `results` are the results of tools and agents, by their names.

    An event that is not given never arrives; `refuse` names deliveries and steps that fail permanently.
    """
    actor = _Actor(events or {}, answers, refuse, results or {})
    seen = actor.seen
    try:
        seen.result = as_json(await spec.body(actor, as_given(spec.body, as_json(decision, spec.name))), spec.name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the builder's code; a test looks at what it raised
        seen.error = "; ".join([str(error) if isinstance(error, StepFailed) else words_of(error), *await actor.undo()])
    seen.took = actor.time - _BEGAN
    return seen


class _Actor:
    """The `Procedure` that is passed to the function."""

    id = UUID(int=1)
    automation = _WHO
    decision_id = UUID(int=2)

    def __init__(
        self,
        events: Mapping[str, Sequence[Any]],
        answers: Sequence[str],
        refuse: Sequence[str],
        results: Mapping[str, Sequence[Any]],
    ) -> None:
        self._results = {name: list(given) for name, given in results.items()}
        self.seen = Rehearsal()
        self.time = _BEGAN
        self._events = {name: list(data) for name, data in events.items()}
        self._answers = list(answers)
        self._refuse = set(refuse)
        self._done: list[tuple[str, Compensation]] = []
        self._undoing = False

    async def step(
        self,
        function: Callable[..., Awaitable[T]] | Callable[..., T],
        *args: Any,
        name: str | None = None,
        retry: Retry | None = None,
        compensate: Compensation | None = None,
    ) -> T:
        called = name or str(getattr(function, "__name__", type(function).__name__))
        tries = retry or Retry()
        self._begin("step", called)
        for number in range(1, tries.attempts + 1):
            try:
                returned = function(*args)
                value = as_json(await returned if inspect.isawaitable(returned) else returned, called)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the builder's code, judged by its own retry
                if number == tries.attempts or not tries.wants(error):
                    raise StepFailed(called, words_of(error)) from None
                self.time += tries.wait(number, 1)
                continue
            break
        self._remember(called, compensate)
        return cast(T, as_returned(function, value))

    async def call(
        self, toolbox: Toolbox, tool: str, arguments: Mapping[str, Any] | None = None, *, agent: str | None = None
    ) -> Any:
        del agent
        check_arguments(toolbox, tool, arguments or {})
        self._begin("tool", tool)
        return as_json(self._given("tool", tool), tool)

    async def agent(self, spec: AgentSpec, data: Any) -> Any:
        spec.prompt(data)
        self._begin("agent", spec.name)
        return TypeAdapter(spec.result).validate_python(self._given("agent", spec.name))

    def _given(self, kind: str, name: str) -> Any:
        waiting = self._results.get(name)
        if not waiting:
            raise AssertionError(f"no result is given for the {kind} {name!r}: add it under `results`")
        return waiting.pop(0)

    async def deliver(
        self, action: ActionSpec, data: Mapping[str, Any], *, event: str, compensate: Compensation | None = None
    ) -> None:
        content = as_json(dict(data), event)
        self._begin("deliver", event)
        self.seen.delivered.append((action.destination, event, content))
        self._remember(event, compensate)

    async def wait_for(self, event: str, *, within: timedelta | None = None) -> Received | None:
        self._begin("wait", event)
        waiting = self._events.get(event)
        if waiting:
            return Received(event, as_json(waiting.pop(0), event), _WHO, self.time)
        if within is None:
            raise AssertionError(f"the procedure waits for {event!r} without a limit, and no such event is given")
        self.time += within
        return None

    async def ask(
        self, question: str, *, choices: Sequence[str], queue: str | None = None, due: timedelta = timedelta(hours=24)
    ) -> Answered:
        del due
        self._begin("ask", queue or self.automation)
        if not self._answers or self._answers[0] not in choices:
            raise AssertionError(f"no answer is given for {question!r}: expected one of {', '.join(choices)}")
        return Answered(self._answers.pop(0), "rehearsed", _WHO, self.time)

    async def sleep(self, span: timedelta) -> None:
        self._begin("sleep", "")
        self.time += span

    async def sleep_until(self, moment: datetime) -> None:
        self._begin("sleep", "")
        self.time = max(self.time, moment)

    async def now(self) -> datetime:
        self._begin("now", "")
        return self.time

    async def random(self) -> float:
        self._begin("random", "")
        return 0.5

    async def undo(self) -> list[str]:
        self._undoing = True
        left = []
        while self._done:
            name, compensation = self._done.pop()
            try:
                await compensation()
            except (Exception, SystemExit) as error:  # noqa: BLE001 - as in a real one, the next is undone all the same
                left.append(f"{name} could not be undone: {words_of(error)}")
        return left

    def _begin(self, kind: str, name: str) -> None:
        step = f"{UNDO if self._undoing else ''}{kind}{':' if name else ''}{name}"
        self.seen.steps.append(step)
        if name in self._refuse:
            raise StepFailed(name, "refused in the rehearsal")

    def _remember(self, name: str, compensate: Compensation | None) -> None:
        if compensate is not None and not self._undoing:
            self._done.append((name, compensate))

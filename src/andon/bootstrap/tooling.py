"""The worker's desk for procedures: it decides their tool calls with the local lines, and opens their models."""

import asyncio
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from typing import Any
from uuid import UUID

import structlog
from pydantic_core import to_json

from andon import decisions, tools
from andon.agents import LanguageModelInvalid, OpenModels
from andon.authoring import Automation, Toolbox
from andon.decisions import Decider, Decision, DecisionRecord, DecisionRequest, Idempotency, Line, Priority
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.errors import Unavailable
from andon.kernel.ids import uuid7
from andon.spending import Advances
from andon.tools import ToolCall
from andon.tools.metrics import ToolMetrics

_PAUSE = 0.2
_TOLD_SECONDS = 60
_LAST_SECONDS = 10.0

log = structlog.get_logger(__name__)


class WorkerDesk:
    """An `AgentDesk` on the engine's event loop, with its own decider there from the first call on."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        decider: Callable[[], Decider],
        lines: Callable[[], Mapping[str, Line]],
        *,
        clock: Clock,
        metrics: ToolMetrics,
        advances: Advances,
    ) -> None:
        self.advances = advances
        self._settings, self._database, self._make, self._lines = settings, database, decider, lines
        self._here: tuple[asyncio.AbstractEventLoop, Decider] | None = None
        self._closing = False
        self._clock, self._metrics = clock, metrics
        self._models: OpenModels | None = None

    @property
    def models(self) -> OpenModels:
        """The language models of the settings. Raises LanguageModelInvalid without the extra."""
        if self._models is None:
            if importlib.util.find_spec("pydantic_ai") is None:
                raise LanguageModelInvalid("Agents need pydantic-ai: `pip install 'andon[agents]'`")
            from andon.agents.language_models import LanguageModels  # most workers have no agents

            self._models = LanguageModels(self._settings.language_models, self._settings.root)
        return self._models

    async def decide(
        self,
        box: Toolbox,
        given: Mapping[str, Any],
        *,
        key: UUID,
        caller: str,
        correlation_id: str,
        traceparent: str | None,
    ) -> ToolCall:
        """Decide a call, waiting through outages; the same key again finds the first decision."""
        if self._closing:
            await asyncio.Event().wait()  # the run stops here, and another process continues it
        made = await self._decide(box.name, given, key, caller, correlation_id, traceparent)
        call = _call_of(box, made)
        self._metrics.decided(call)
        return call

    async def _decide(
        self,
        name: str,
        given: Mapping[str, Any],
        key: UUID,
        caller: str,
        correlation_id: str,
        traceparent: str | None,
    ) -> Decision | DecisionRecord:
        raw, tries = to_json(given), 0
        once = Idempotency.of(name, caller, str(key), raw)
        while True:
            line, now = self._lines().get(name), self._clock.now()
            try:
                if line is not None:
                    request = DecisionRequest(
                        id=uuid7(now),
                        automation=name,
                        raw=raw,
                        input=line.contract.read(raw),
                        caller=caller,
                        correlation_id=correlation_id,
                        asked_at=now,
                        began_ns=perf_counter_ns(),
                        traceparent=traceparent,
                        idempotency=once,
                        priority=Priority.NORMAL,
                    )
                    decision = await self._decider().decide(request)
                    if decision is not None:
                        return decision
                    record = await asyncio.to_thread(self._find, once)
                    if record is not None:
                        return record
            except Unavailable as error:
                why = str(error)
            else:
                why = f"no line of {name} decides here"
            if tries % int(_TOLD_SECONDS / _PAUSE) == 0:
                log.warning("tools.not_decided", toolbox=name, key=str(key), reason=why)
            tries += 1
            await asyncio.sleep(_PAUSE)

    def close(self) -> None:
        """Stop deciding. Call it from a thread without a loop, while the engine's loop runs."""
        self._closing = True
        if self._here is not None:
            loop, decider = self._here
            asyncio.run_coroutine_threadsafe(decider.close(), loop).result(_LAST_SECONDS)

    def _decider(self) -> Decider:
        if self._here is None:
            self._here = (asyncio.get_running_loop(), self._make())
        return self._here[1]

    def _find(self, once: Idempotency) -> DecisionRecord | None:
        with self._database.begin() as tx:
            return decisions.first_answer(tx, once)


def some_tools(automations: Sequence[Automation]) -> bool:
    """Return whether procedures of a project may call tools, which its worker then decides."""
    return any(isinstance(one, Toolbox) for one in automations) and any(one.procedures for one in automations)


def _call_of(box: Toolbox, made: Decision | DecisionRecord) -> ToolCall:
    if isinstance(made, Decision):
        return tools.decided_call(box, made)
    return tools.recorded_call(box, made)

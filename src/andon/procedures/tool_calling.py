"""A governed call of a tool as steps of a procedure: decided, approved by a person if necessary, carried out once.

A call that the policy allows and a function carries out is one step: its decision is one commit, and its end is kept
with the step. It is decided under the step's own key, so a step that is repeated after a kill finds its decision again.
"""

import inspect
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from andon import tools
from andon.agents import refusal_of
from andon.authoring import ActionSpec, Tool, Toolbox
from andon.kernel import outbox
from andon.kernel.clock import Clock
from andon.kernel.db import Tx
from andon.kernel.durable import LEAVING, Waiting
from andon.kernel.durable.running import Running
from andon.procedures import store
from andon.procedures.domain import ProcedureRecord, Wait, key_of
from andon.procedures.ports import ToolDesk
from andon.procedures.values import as_json, words_of
from andon.procedures.waiting import Ended
from andon.tools import CallState, ToolCall


class ToolSteps:
    """Calls tools for one execution of a procedure."""

    def __init__(self, procedure: ProcedureRecord, running: Running, clock: Clock, desk: ToolDesk) -> None:
        self._procedure = procedure
        self._running = running
        self._clock = clock
        self._desk = desk

    async def call(self, box: Toolbox, tool: Tool, arguments: Mapping[str, Any], *, caller: str, agent: str) -> Ended:
        """Return how a call ended: `ok` with its result, `refused` with the reason, or `failed`.

        Each has the `seconds` that it took, without waiting.
        """
        decide = partial(self._decide, box, tool, arguments, caller, agent)
        ended: Ended = await self._running.step(f"tool:{tool.name}", decide, alongside=_kept)
        if "call" not in ended:
            return ended
        call_id = UUID(ended["call"])
        if ended["state"] == CallState.WAITING:
            waited: Ended = await self._running.look(
                f"approval:{tool.name}", partial(self._approved, call_id, tool.name)
            )
            if waited["state"] != CallState.ALLOWED:
                return {"refused": refusal_of(tool.name, waited["state"]), "seconds": 0.0}
        perform = partial(self._perform, tool, arguments, call_id, ended["digest"], caller)
        done: Ended = await self._running.step(f"perform:{tool.name}", perform, alongside=_finished)
        if "sent" in done:
            done = await self._running.look(f"delivery:{tool.name}", partial(self._delivered, call_id, tool.name))
        return done

    async def _decide(
        self, box: Toolbox, tool: Tool, arguments: Mapping[str, Any], caller: str, agent: str, step: int
    ) -> Ended:
        """Decide, and carry out an allowed call immediately; a call that waits is left to the next step."""
        key = key_of(self._procedure.id, step)
        call = await self._desk.decide(
            box,
            {"tool": tool.name, "arguments": dict(arguments), "agent": agent, "run": str(self._procedure.id)},
            key=key,
            caller=caller,
            correlation_id=self._procedure.correlation_id,
            traceparent=self._procedure.traceparent,
        )
        if call.state is CallState.DENIED:
            reasons = f" ({', '.join(call.reasons)})" if call.reasons else ""
            why = f"{tool.name} was not carried out: the policy denies it{reasons}."
            return {"refused": why, "seconds": 0.0, "kept": call}
        if call.state is CallState.ALLOWED and tool.via is not None and not isinstance(tool.via, ActionSpec):
            ended = await self._carry_out(tool, arguments, key)
            now = self._clock.now()
            done = call.begun(call.digest, now).ended(ended.get("ok"), ended.get("failed"), sent=True, now=now)
            return {**ended, "kept": done}
        return {"call": str(call.id), "state": call.state.value, "digest": call.digest, "kept": call}

    def _approved(self, call_id: UUID, name: str, tx: Tx, now: datetime, step: int) -> Ended | Waiting:
        call = tools.get(tx, call_id, now)
        what = f"approval:{name}"
        wait = store.begin_wait(tx, self._procedure.id, Wait(step, what, now, call.expires_at, over=False))
        if call.state is CallState.WAITING:
            return Waiting(wait.until)
        store.end_wait(tx, self._procedure.id, step)
        return {"state": call.state.value}

    async def _perform(
        self, tool: Tool, arguments: Mapping[str, Any], call_id: UUID, digest: str, caller: str, step: int
    ) -> Ended:
        """Spend the permit and carry the call out; a repeated step continues under the permit that it spent."""
        del step
        via = tool.via if isinstance(tool.via, ActionSpec) else None

        def begin(tx: Tx) -> str | None:
            """Return why the call must not happen; None if it may."""
            found = tools.get(tx, call_id, self._clock.now())
            if found.state is CallState.EXPIRED:
                return refusal_of(tool.name, CallState.EXPIRED)
            if found.state is not CallState.ALLOWED:
                return None
            held = tools.held_back(tx, found)
            if held is not None:
                return f"{tool.name} was not carried out: {held}."
            tools.begin(tx, call_id, digest, caller=caller, via=via, now=self._clock.now())
            return None

        why_not = await self._running.in_transaction(begin)
        if why_not is not None:
            return {"refused": why_not, "seconds": 0.0}
        if via is not None:
            return {"sent": str(call_id)}
        if tool.via is None:
            why = f"{tool.name} is allowed, but nothing here can carry it out: declare it with via="
            return {"failed": why, "seconds": 0.0, "ends": (call_id, caller, self._clock.now())}
        ended = await self._carry_out(tool, arguments, call_id)
        return {**ended, "ends": (call_id, caller, self._clock.now())}

    def _delivered(self, call_id: UUID, name: str, tx: Tx, now: datetime, step: int) -> Ended | Waiting:
        message = outbox.find(tx, call_id)
        if message is not None and message.state in (outbox.MessageState.DONE, outbox.MessageState.DEAD):
            store.end_wait(tx, self._procedure.id, step)
            call = tools.get(tx, call_id, now)
            if call.error is not None:
                return {"failed": call.error, "seconds": 0.0}
            return {"ok": "delivered", "seconds": 0.0}
        wait = Wait(step, f"delivery:{name}", now, None, over=False)
        store.begin_wait(tx, self._procedure.id, wait, message_id=call_id)
        return Waiting()

    async def _carry_out(self, tool: Tool, arguments: Mapping[str, Any], key: UUID) -> dict[str, Any]:
        began = time.monotonic()
        try:
            if inspect.iscoroutinefunction(tool.via):
                value = await tool.perform(arguments, str(key))
            else:
                value = await self._running.in_thread(tool.perform_now, arguments, str(key))
            ended = {"ok": as_json(value, tool.name)}
        except LEAVING:
            raise
        except BaseException as error:  # noqa: BLE001 - the builder's code; the agent and the timeline are told
            ended = {"failed": words_of(error)}
        return {**ended, "seconds": time.monotonic() - began}


def _kept(tx: Tx, ended: dict[str, Any]) -> None:
    """Keep the call with the step that decided it."""
    call: ToolCall = ended.pop("kept")
    tools.note(tx, call)


def _finished(tx: Tx, ended: dict[str, Any]) -> None:
    """Keep the end of a call with the step that carried it out."""
    if "ends" in ended:
        call_id, caller, now = ended.pop("ends")
        tools.finish(tx, call_id, result=ended.get("ok"), error=ended.get("failed"), caller=caller, now=now)

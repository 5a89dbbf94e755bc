"""Tasks of the guard: calls that wait for a person while their client polls."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from andon.kernel.errors import AndonError
from andon.mcp.errors import AndonRefused
from andon.mcp.gateway_client import ALLOWED, WAITING, RemoteCall
from andon.mcp.guard.answers import tool_error, why_not
from andon.mcp.jsonrpc import INTERNAL_ERROR, INVALID_PARAMS, MISSING_CAPABILITY, Message, error, meta_of, result
from andon.mcp.tasks import REQUIRED, speaks_tasks, task_of

_KEPT = 1_000
"""The most tasks that are kept; the oldest finished ones are dropped first."""

_WAITS = "Waiting for a person to approve this call"


@dataclass(eq=False)
class GuardTask:
    """A call that waits, and later its end."""

    call: RemoteCall
    updated_at: datetime
    status: str = "working"
    message: str = _WAITS
    payload: dict[str, Any] | None = None
    begun: bool = False
    work: asyncio.Task[None] | None = None


class TaskList:
    """All tasks of one guard. An unknown task is looked up as the call with its id."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._tasks: dict[str, GuardTask] = {}

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._tasks

    def add(self, call: RemoteCall) -> GuardTask:
        """Keep a call as a task, which has the id of the call."""
        finished = [one for one in self._tasks.values() if one.status != "working"]
        for one in finished[: max(len(self._tasks) - _KEPT, 0)]:
            del self._tasks[one.call.id]
        task = self._tasks[call.id] = GuardTask(call, self._now())
        return task

    def complete(self, task: GuardTask, content: dict[str, Any]) -> None:
        """End a task with the result of its call."""
        self._end(task, "completed", "The call has ended", {"result": content})

    def fail(self, task: GuardTask, fault: dict[str, Any]) -> None:
        """End a task with the JSON-RPC error of its call."""
        self._end(task, "failed", str(fault.get("message", "The call failed")), {"error": fault})

    def shown(self, task: GuardTask) -> dict[str, Any]:
        """Return a task as `tasks/get` shows it."""
        seen = task_of(task.call, task.status, message=task.message, now=task.updated_at)
        return seen | (task.payload or {})

    def works(self) -> list[asyncio.Task[None]]:
        """Return the work of all tasks that are under way."""
        return [one.work for one in self._tasks.values() if one.work is not None and not one.work.done()]

    def give_up(self) -> None:
        """Stop waiting for every task whose call has not begun."""
        for task in self._tasks.values():
            if not task.begun and task.work is not None:
                task.work.cancel()

    async def answer(self, request: Message, look: Callable[[str], Awaitable[RemoteCall]]) -> Message:
        """Answer `tasks/get`, `tasks/update` or `tasks/cancel`. `look` finds calls that this guard does not know."""
        task_id = request.get("params", {}).get("taskId")
        if not speaks_tasks(meta_of(request)):
            return error(request["id"], MISSING_CAPABILITY, "Missing required client capability", REQUIRED)
        if not isinstance(task_id, str) or not task_id:
            return error(request["id"], INVALID_PARAMS, "params.taskId must be the id of a task")
        task = self._tasks.get(task_id)
        if task is None:
            try:
                task = self._of_call(await look(task_id))
            except AndonRefused:
                return error(request["id"], INVALID_PARAMS, f"There is no task {task_id}")
            except AndonError as fault:
                return error(request["id"], INTERNAL_ERROR, str(fault))
        if request["method"] == "tasks/get":
            return result(request, self.shown(task))
        if request["method"] == "tasks/cancel" and task.status == "working" and not task.begun:
            self._cancel(task)
        return result(request, {})  # nothing is ever asked of the client, so there is nothing to update

    def _cancel(self, task: GuardTask) -> None:
        if task.work is not None:
            task.work.cancel()
        self._end(task, "cancelled", "Given up by the client; nothing was done", None)

    def _end(self, task: GuardTask, status: str, message: str, payload: dict[str, Any] | None) -> None:
        task.status, task.message, task.payload, task.updated_at = status, message, payload, self._now()

    def _of_call(self, call: RemoteCall) -> GuardTask:
        """Return the task of a call whose guard has ended. The guard no longer makes such a call."""
        task = GuardTask(call, self._now())
        if call.state == ALLOWED:
            text = "A person approved this call. Call the tool again with the same arguments."
            self.complete(task, tool_error(text, call))
        elif call.state != WAITING:
            self.complete(task, tool_error(why_not(call), call))
        return task

"""The Tasks extension on a client's side, as a program writes it with the official library."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

from mcp import types
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from pydantic import Field, TypeAdapter


class TaskMade(types.Result):
    """What a server answers instead of the result of a tool call."""

    result_type: Literal["task"] = Field(alias="resultType")
    task_id: str = Field(alias="taskId")
    status: str


class TaskParams(types.RequestParams):
    """Which task."""

    task_id: str = Field(alias="taskId")


class TaskRequest(types.Request[TaskParams, str]):
    """`tasks/get` and its siblings."""

    name_param = "taskId"
    method: str
    params: TaskParams


_ANY: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


async def ask_task(session: Any, method: str, task_id: str) -> dict[str, Any]:
    """Ask about a task."""
    answer: dict[str, Any] = await session.send_request(
        TaskRequest(method=method, params=TaskParams(taskId=task_id)), _ANY
    )
    return answer


class Tasks(ClientExtension):
    """Speaks the extension: looks until a task is over. `on_made` is awaited when one was made."""

    identifier = "io.modelcontextprotocol/tasks"

    def __init__(self, on_made: Callable[[str], Awaitable[None]], pause: float = 0.05) -> None:
        self._on_made, self._pause = on_made, pause

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=TaskMade, resolve=self._resolve)]

    async def _resolve(self, made: TaskMade, context: ClaimContext) -> types.CallToolResult:
        await self._on_made(made.task_id)
        while (task := await ask_task(context.session, "tasks/get", made.task_id))["status"] == "working":
            await asyncio.sleep(self._pause)
        return types.CallToolResult.model_validate(task["result"])

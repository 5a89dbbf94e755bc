"""A middleware that guards an existing LangChain agent: no tool runs before a toolbox allows the call."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command

from andon.langchain.permits import CallNotAllowed, Gatehouse

ToolEnd = ToolMessage | Command[Any]


class ToolMiddleware(AgentMiddleware[Any, Any, Any]):
    """The middleware. It answers a call that is not allowed with a tool error, which gives the model the reason."""

    def __init__(self, gatehouse: Gatehouse) -> None:
        super().__init__()
        self._gatehouse = gatehouse

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolEnd]) -> ToolEnd:
        """Decide a call before it happens."""
        call = request.tool_call
        try:
            permit = self._gatehouse.spend(self._gatehouse.allowed(call["name"], call["args"], key=call["id"]))
        except CallNotAllowed as refused:
            return _refusal(call, refused)
        try:
            ended = handler(request)
        except BaseException as error:
            self._gatehouse.finish(permit["id"], error=type(error).__name__)
            raise
        self._tell(permit["id"], ended)
        return ended

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolEnd]]
    ) -> ToolEnd:
        """Decide a call before it happens, without blocking the event loop."""
        call = request.tool_call
        try:
            made = await asyncio.to_thread(self._gatehouse.allowed, call["name"], call["args"], key=call["id"])
            permit = await asyncio.to_thread(self._gatehouse.spend, made)
        except CallNotAllowed as refused:
            return _refusal(call, refused)
        try:
            ended = await handler(request)
        except BaseException as error:
            await asyncio.to_thread(self._gatehouse.finish, permit["id"], error=type(error).__name__)
            raise
        await asyncio.to_thread(self._tell, permit["id"], ended)
        return ended

    def _tell(self, call_id: str, ended: ToolEnd) -> None:
        if isinstance(ended, ToolMessage) and ended.status == "error":
            self._gatehouse.finish(call_id, error=str(ended.content)[:2000] or "it failed")
        else:
            self._gatehouse.finish(call_id, result=ended.content if isinstance(ended, ToolMessage) else None)


def guard(
    url: str,
    key: str,
    toolbox: str,
    *,
    agent: str = "langchain",
    run: str | None = None,
    wait: timedelta = timedelta(minutes=10),
    **more: Any,
) -> ToolMiddleware:
    """Return a middleware for `create_agent(..., middleware=[guard(...)])`. `key` needs the role `agent`."""
    return ToolMiddleware(Gatehouse(url, key, toolbox, agent=agent, run=run, wait=wait, **more))


def _refusal(call: Any, refused: CallNotAllowed) -> ToolMessage:
    return ToolMessage(content=str(refused), name=call["name"], tool_call_id=call["id"], status="error")

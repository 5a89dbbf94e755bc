"""The tools of the MCP server, carried out as requests to the gateway with the agent's own key."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from andon.kernel.errors import AndonError, Invalid
from andon.mcp.errors import AgentToolUnknown, AndonRefused
from andon.mcp.gateway_client import ALLOWED, WAITING, GatewayClient, RemoteCall, quoted
from andon.mcp.jsonrpc import digest_of
from andon.mcp.server.catalogue import DECIDE, FIXED, deciding, explained
from andon.mcp.tasks import task_of

_FAILED = ("denied", "refused", "expired", "unknown", "failed")
_ENDED = ("done", *_FAILED)


class AgentTools:
    """The tools of one Andon. Each method takes the key with which its requests are made."""

    def __init__(self, gateway: GatewayClient, now: Callable[[], datetime]) -> None:
        self._gateway, self._now = gateway, now

    async def tools(self, key: str) -> list[dict[str, Any]]:
        """Return all tools that a key may use. Raises AndonRefused and AndonUnreachable."""
        automations = await self._gateway.get("/v1/automations", key=key)
        boxes = {box["name"] for box in await self._boxes(key)}
        askable = [one for one in automations if one.get("askable", True) and one["name"] not in boxes]
        return [*FIXED, *map(deciding, askable)]

    async def call(
        self, tool: str, arguments: Mapping[str, Any], *, key: str, agent: str, with_tasks: bool
    ) -> dict[str, Any]:
        """Return the result of a tool, or a task if it waits for a person. Raises AgentToolUnknown."""
        try:
            if tool.startswith(DECIDE):
                return _said(await self._gateway.decide(tool.removeprefix(DECIDE), arguments, key=key))
            return await self._fixed(tool, arguments, key, agent, with_tasks=with_tasks)
        except AgentToolUnknown:
            raise
        except AndonError as error:
            return _failed(str(error))

    async def task(self, call_id: str, key: str) -> dict[str, Any]:
        """Return a tool call as a task. If it has been approved and Andon delivers it, begin it first."""
        call = await self._gateway.find_call(call_id, key=key)
        return self._as_task(await self._moved_on(call, key))

    async def _fixed(
        self, tool: str, arguments: Mapping[str, Any], key: str, agent: str, *, with_tasks: bool
    ) -> dict[str, Any]:
        match tool:
            case "explain_decision":
                return _said(explained(await self._decision(arguments, key)))
            case "get_decision":
                return _said(await self._decision(arguments, key))
            case "what_is_automatic":
                name = quoted(_text(arguments, "automation"))
                return _said(await self._gateway.get(f"/v1/automations/{name}/quality", key=key))
            case "list_toolboxes":
                return _said({"toolboxes": await self._boxes(key)})
            case "get_tool_call":
                call = await self._gateway.find_call(_text(arguments, "call_id"), key=key)
                return _said(call.whole)
            case "request_tool_call":
                return await self._request(arguments, key, agent, with_tasks=with_tasks)
        raise AgentToolUnknown(f"There is no tool {tool!r}")

    async def _request(self, given: Mapping[str, Any], key: str, agent: str, *, with_tasks: bool) -> dict[str, Any]:
        toolbox, tool, arguments = _text(given, "toolbox"), _text(given, "tool"), given.get("arguments")
        if not isinstance(arguments, dict):
            raise Invalid("arguments must be an object: the arguments of the tool")
        digest = digest_of(arguments)
        left = await self._gateway.left_open(toolbox, run=None, key=key)
        found = [one for one in left if (one.tool, one.digest, one.agent) == (tool, digest, agent)]
        call = found[0] if found else await self._gateway.call(toolbox, tool, arguments, agent=agent, run=None, key=key)
        call = await self._moved_on(call, key)
        if call.state == WAITING and with_tasks:
            return {"resultType": "task", **self._as_task(call)}
        return _of_call(call)

    async def _moved_on(self, call: RemoteCall, key: str) -> RemoteCall:
        """Begin an allowed call that Andon delivers, which spends its permit, exactly once. Return the call."""
        if call.state != ALLOWED or not call.tool or not await self._is_delivered(call, key):
            return call
        await self._gateway.begin(call.id, call.digest, key=key)
        return await self._gateway.find_call(call.id, key=key)

    async def _is_delivered(self, call: RemoteCall, key: str) -> bool:
        box = await self._gateway.get(f"/v1/toolboxes/{quoted(str(call.whole.get('toolbox')))}", key=key)
        return any(one.get("name") == call.tool and one.get("delivered") is True for one in box.get("tools", ()))

    def _as_task(self, call: RemoteCall) -> dict[str, Any]:
        """Return a call as a task, which is completed once nothing more will happen."""
        over = call.state in (*_ENDED, ALLOWED)  # the agent itself makes an allowed call that Andon does not deliver
        words = "Waiting for a person to approve this call" if call.state == WAITING else f"The call is {call.state}"
        task = task_of(call, "completed" if over else "working", message=words, now=self._now())
        return {**task, "result": _of_call(call)} if over else task

    async def _boxes(self, key: str) -> list[dict[str, Any]]:
        found = await self._gateway.get("/v1/toolboxes", key=key)
        boxes: list[dict[str, Any]] = found.get("toolboxes", [])
        return boxes

    async def _decision(self, arguments: Mapping[str, Any], key: str) -> Any:
        return await self._gateway.get(f"/v1/decisions/{quoted(_text(arguments, 'decision_id'))}", key=key)


def _text(arguments: Mapping[str, Any], name: str) -> str:
    found = arguments.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= 200:
        raise Invalid(f"{name} must be a text of 1 to 200 characters")
    return found


def _of_call(call: RemoteCall) -> dict[str, Any]:
    """Return the result that shows the state of a tool call. For the agent, a call that was not allowed is an error."""
    return _said(call.whole) | ({"isError": True} if call.state in _FAILED else {})


def _said(answer: Any) -> dict[str, Any]:
    content = answer if isinstance(answer, dict) else {"answer": answer}
    text = json.dumps(content, ensure_ascii=False)
    return {"content": [{"type": "text", "text": text}], "structuredContent": content, "isError": False}


def _failed(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": True}


def is_missing(error: AndonError) -> bool:
    """Return whether the wanted thing does not exist, or the caller may not see it."""
    return isinstance(error, AndonRefused) and error.details.get("status") in (404, 422)

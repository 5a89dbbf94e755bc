"""Andon as an MCP server, on the library: both generations of the protocol, and the Tasks extension."""

from collections.abc import Callable
from typing import Any

from andon.kernel.errors import AndonError
from andon.mcp.errors import AgentToolUnknown, McpMissing
from andon.mcp.jsonrpc import CLIENT_INFO, INTERNAL_ERROR, INVALID_PARAMS, MISSING_CAPABILITY
from andon.mcp.server.agent_tools import AgentTools, is_missing
from andon.mcp.server.catalogue import PAGE
from andon.mcp.tasks import METHODS, REQUIRED, TASKS, speaks_tasks
from andon.version import __version__

KeyOf = Callable[[Any], str]
"""A function that returns the key of a request from its context."""

_INSTRUCTIONS = (
    "Andon decides by declared, versioned automations and records every decision. A tool call that waits for a person"
    " is approved by that person in Andon, never here."
)


def create_server(desk: AgentTools, key_of: KeyOf) -> Any:
    """Build the library's server. Raises McpMissing."""
    try:
        from mcp import types
        from mcp.server.lowlevel import Server
        from mcp.shared.exceptions import MCPError
    except ModuleNotFoundError as error:
        raise McpMissing from error
    from pydantic import Field

    class TaskParams(types.RequestParams):
        task_id: str = Field(alias="taskId", min_length=1, max_length=200)

    async def list_tools(context: Any, params: Any) -> Any:
        try:
            first = int(params.cursor or 0)
            tools = await desk.tools(key_of(context))
        except ValueError as wrong:
            raise MCPError(INVALID_PARAMS, "cursor must be one that an earlier list returned") from wrong
        except AndonError as refused:
            raise MCPError(INTERNAL_ERROR, str(refused)) from refused
        page = [types.Tool.model_validate(one) for one in tools[first : first + PAGE]]
        return types.ListToolsResult(tools=page, next_cursor=str(first + PAGE) if len(tools) > first + PAGE else None)

    async def call_tool(context: Any, params: Any) -> Any:
        agent, with_tasks = _agent_of(context), speaks_tasks(context.meta or {})
        try:
            answer = await desk.call(
                params.name, params.arguments or {}, key=key_of(context), agent=agent, with_tasks=with_tasks
            )
        except AgentToolUnknown as unknown:
            raise MCPError(INVALID_PARAMS, str(unknown)) from unknown
        return answer if answer.get("resultType") == "task" else types.CallToolResult.model_validate(answer)

    async def about_task(context: Any, params: Any) -> Any:
        if not speaks_tasks(context.meta or {}):
            raise MCPError(MISSING_CAPABILITY, "Missing required client capability", REQUIRED)
        try:
            task = await desk.task(params.task_id, key_of(context))
        except AndonError as refused:
            code = INVALID_PARAMS if is_missing(refused) else INTERNAL_ERROR
            raise MCPError(code, str(refused)) from refused
        # The client is never asked for input, and only a person can withdraw a call that waits for a person.
        return task if context.method == "tasks/get" else {}

    server: Any = Server(
        "andon",
        version=__version__,
        title="Andon",
        instructions=_INSTRUCTIONS,
        get_tool_input_schema=_no_mirrored_arguments,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    for method in METHODS:
        server.add_request_handler(method, TaskParams, about_task)
    server.extensions[TASKS] = {}
    server.middleware.clear()  # the middleware would only add spans of its own
    return server


def _no_mirrored_arguments(name: str) -> None:
    """Return None: headers mirror no argument of a tool."""
    del name


def _agent_of(context: Any) -> str:
    """Return the name that the client gives itself."""
    info = (context.meta or {}).get(CLIENT_INFO)
    name = info.get("name") if isinstance(info, dict) else None
    if name is None and context.session.client_params is not None:
        name = context.session.client_params.client_info.name
    return str(name)[:100] if name else "mcp"

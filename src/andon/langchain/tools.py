"""Conversion of a toolbox's tools to LangChain tools, and of LangChain tools to tools of a toolbox."""

from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel

from andon.authoring import Tool
from andon.langchain.permits import CallNotAllowed, Gatehouse


def governed_tools(gatehouse: Gatehouse, functions: Mapping[str, Callable[..., Any]] | None = None) -> list[BaseTool]:
    """Return a toolbox's tools for a LangChain agent; each call is decided first.

    Andon carries out the tools that it delivers. `functions`, by name, carry out the others. A tool with neither is
    omitted.
    """
    given = functions or {}
    return [
        _governed(gatehouse, one, given.get(one["name"]))
        for one in gatehouse.tools()
        if one["delivered"] or one["name"] in given
    ]


def from_langchain(tool: BaseTool) -> Tool:
    """Return a LangChain tool as a tool of a toolbox, carried out as a function. Its schema is the contract."""
    schema = tool.get_input_schema()
    contract = schema if isinstance(schema, type) and issubclass(schema, BaseModel) else None

    async def perform(**arguments: Any) -> Any:
        return await tool.ainvoke(arguments)

    perform.__qualname__ = f"langchain:{tool.name}"
    return Tool(tool.name, contract, tool.description, perform)


def _governed(gatehouse: Gatehouse, described: Mapping[str, Any], function: Callable[..., Any] | None) -> BaseTool:
    name = described["name"]

    def call(**arguments: Any) -> Any:
        try:
            if function is None:
                return gatehouse.delivered(name, arguments)
            return gatehouse.through(name, arguments, lambda: function(**arguments))
        except CallNotAllowed as refused:
            raise ToolException(str(refused)) from refused

    return StructuredTool.from_function(
        call,
        name=name,
        description=described["description"] or name,
        args_schema=described["schema"],
        handle_tool_error=True,
    )

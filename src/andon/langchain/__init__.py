"""Guards for LangChain and LangGraph: a toolbox of Andon decides each tool call before it happens.

`guard` returns a middleware for an existing agent. `governed_tools` returns a toolbox's tools as LangChain tools, and
`from_langchain` converts a LangChain tool for a toolbox. Needs the extra `langchain`. Start reading at `permits.py`,
which does not need the extra.
"""

from typing import TYPE_CHECKING, Any

from andon.langchain.permits import CallNotAllowed, Gatehouse, GatewayRefused

if TYPE_CHECKING:
    from andon.langchain.middleware import ToolMiddleware, guard
    from andon.langchain.tools import from_langchain, governed_tools

__all__ = [
    "CallNotAllowed",
    "Gatehouse",
    "GatewayRefused",
    "ToolMiddleware",
    "from_langchain",
    "governed_tools",
    "guard",
]

_PLACES = {"ToolMiddleware": "middleware", "guard": "middleware", "from_langchain": "tools", "governed_tools": "tools"}


def __getattr__(name: str) -> Any:
    """Import on first use the names that need LangChain. Raises ImportError if the extra is missing."""
    if name not in _PLACES:
        raise AttributeError(name)
    from importlib import import_module

    try:
        return getattr(import_module(f"andon.langchain.{_PLACES[name]}"), name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"andon.langchain needs {error.name}, which is not installed: `pip install 'andon[langchain]'`"
        ) from error

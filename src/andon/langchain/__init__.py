"""Guards for LangChain and LangGraph: each call of a tool is decided by a toolbox of Andon before it happens.

`guard` is a middleware for an agent that exists; `governed_tools` are a toolbox's tools as LangChain's, and
`from_langchain` is the other way. Needs the extra `langchain`. Start reading at `permits.py`, which needs none of it.
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
    """Import what needs LangChain when it is asked for."""
    if name not in _PLACES:
        raise AttributeError(name)
    from importlib import import_module

    try:
        return getattr(import_module(f"andon.langchain.{_PLACES[name]}"), name)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"andon.langchain needs {error.name}, which is not installed: `pip install 'andon[langchain]'`"
        ) from error

"""The permissions that a route requires, read from its code.

If the route requires one itself, that one; otherwise those that the functions it calls require.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from andon.access import Permission, Principal


def needed(route: Callable[..., Any]) -> str:
    """`read decisions`, `read models (everywhere)`; empty for a route that requires none."""
    module = inspect.getmodule(route)
    assert module is not None
    return " or ".join(_asked(route, module))


def _asked(function: Callable[..., Any], module: ModuleType) -> list[str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    own = _permissions(tree)
    if own:
        return own
    known: Mapping[str, Any] = {**vars(module), **{f"caller.{name}": of for name, of in vars(Principal).items()}}
    called = (known.get(ast.unparse(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call))
    found = (_asked(each, _home(each)) for each in called if inspect.isfunction(each) and _is_ours(each, module))
    return list(dict.fromkeys(permission for each in found for permission in each))


def _permissions(tree: ast.AST) -> list[str]:
    everywhere = {id(argument) for node in ast.walk(tree) for argument in _asked_everywhere(node)}
    return list(
        dict.fromkeys(
            f"{Permission[node.attr]}{' (everywhere)' if id(node) in everywhere else ''}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Permission"
        )
    )


def _asked_everywhere(node: ast.AST) -> list[ast.expr]:
    """Return the permission of a call `require(Permission.X, None)`."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".require") and len(node.args) == 2:
        permission, automation = node.args
        if isinstance(automation, ast.Constant) and automation.value is None:
            return [permission]
    return []


def _is_ours(function: Callable[..., Any], module: ModuleType) -> bool:
    home = _home(function)
    return home in (module, inspect.getmodule(Principal)) or home.__name__ == "andon.gateway.decisions"


def _home(function: Callable[..., Any]) -> ModuleType:
    home = inspect.getmodule(function)
    assert home is not None
    return home

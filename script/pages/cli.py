"""Every command with its arguments and options, from typer."""

from collections.abc import Iterator
from typing import Any

import typer
from script.pages.markdown import code, span, table

from andon.cli import app

HEAD = ("argument or option", "takes", "default", "meaning")
WORDS = {"str": "text", "int": "integer", "float": "number", "dir": "folder", "uuid": "id"}
"""Typer's names of types, mapped to the names that readers know."""


def body() -> str:
    """Return a section for each command, in the order of `andon --help`."""
    return "\n".join(_section(context) for context in commands())


def commands() -> Iterator[Any]:
    """Yield the context of each command that does something, `andon` itself first."""
    command = typer.main.get_command(app)
    yield from _under(command.context_class(command, info_name="andon"))


def _under(context: Any) -> Iterator[Any]:
    command = context.command
    if context.parent is None or not hasattr(command, "list_commands"):
        yield context
    if hasattr(command, "list_commands"):
        for name in command.list_commands(context):
            _, found, _ = command.resolve_command(context, [name])
            yield from _under(found.context_class(found, info_name=name, parent=context))


def _section(context: Any) -> str:
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parameters = sorted(command.params, key=lambda parameter: parameter.param_type_name == "option")
    described = table(HEAD, (_row(parameter, context) for parameter in parameters))
    return f"## `{context.command_path}`\n\n{command.help}\n\n    {usage}\n" + (f"\n{described}" if described else "")


def _row(parameter: Any, context: Any) -> tuple[str, str, str, str]:
    is_flag = getattr(parameter, "is_flag", False)
    is_option = parameter.param_type_name == "option"
    name = ", ".join([*parameter.opts, *parameter.secondary_opts]) if is_option else parameter.name.upper()
    takes = "" if is_flag else _takes(parameter, context)
    return code(name), takes, _default(parameter, is_flag=is_flag), parameter.help or ""


def _takes(parameter: Any, context: Any) -> str:
    shown = str(parameter.display_type(context)).strip("<>").removesuffix(" range")
    one = shown.removeprefix("list[").removesuffix("]")
    takes = WORDS.get(one.lower(), one.replace("|", " or "))
    limits = span(parameter.min, parameter.max)
    return takes + (f" ({limits})" if limits else "") + (", repeatable" if one != shown else "")


def _default(parameter: Any, *, is_flag: bool) -> str:
    if parameter.required:
        return "required"
    if is_flag or parameter.default is None:
        return ""
    return code(str(parameter.default))

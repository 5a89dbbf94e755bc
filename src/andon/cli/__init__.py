"""The command line. Each noun has a file; here they become one program, whose errors become messages and exit codes."""

import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from andon.bootstrap.telling import exit_code, tell
from andon.kernel.errors import AndonError
from andon.version import __version__

COMMANDS = {
    "init": "andon.cli.init:init",
    "up": "andon.cli.up:up",
    "restart": "andon.cli.restart:restart",
    "stop": "andon.cli.stop:stop",
    "doctor": "andon.cli.doctor:doctor",
    "gateway": "andon.cli.gateway:gateway",
    "worker": "andon.cli.worker:worker",
    "console": "andon.cli.console:console",
    "decide": "andon.cli.decide:decide",
    "replay": "andon.cli.replay:replay",
    "models": "andon.cli.models:app",
    "endpoints": "andon.cli.endpoints:app",
    "policy": "andon.cli.policy:app",
    "features": "andon.cli.features:app",
    "reviews": "andon.cli.reviews:app",
    "actions": "andon.cli.actions:app",
    "procedures": "andon.cli.procedures:app",
    "connectors": "andon.cli.connectors:app",
    "streams": "andon.cli.streams:app",
    "spending": "andon.cli.spending:show",
    "keys": "andon.cli.keys:app",
    "audit": "andon.cli.audit:app",
}
"""Where each command lives. A command is imported when it is asked for, so that `andon --help` answers at once."""


class Commands(TyperGroup):
    """All commands by name, loaded on demand; their errors told in words."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order a newcomer meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or None."""
        del ctx
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        if isinstance(found, typer.Typer):
            command: Any = typer.main.get_group(found)
        else:
            single = typer.Typer(add_completion=False)
            single.command(cmd_name)(found)
            command = typer.main.get_command(single)
        command.name = cmd_name
        return command

    def invoke(self, ctx: Any) -> Any:
        """Run, and end with the exit code of an error's kind."""
        try:
            return super().invoke(ctx)
        except AndonError as error:
            tell(error)
            raise typer.Exit(exit_code(error)) from error


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    help="Andon: from a prototype model to dependable, auditable decisions.",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Andon: from a prototype model to dependable, auditable decisions."""
    del version

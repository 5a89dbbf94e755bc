"""`andon restart`: new processes for a running installation, without losing a request."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from andon.kernel import config
from andon.supervisor import control
from andon.supervisor.ports import configured

PATIENCE_SECONDS = 120.0
"""The longest time without news of a restart."""


class What(StrEnum):
    """The parts that can be restarted."""

    GATEWAY = "gateway"
    WORKER = "worker"
    CONSOLE = "console"
    ALL = "all"


def restart(
    part: Annotated[What, typer.Argument(help="The part to restart, or all.")] = What.ALL,
    folder: Annotated[Path, typer.Option(help="The project's folder.", file_okay=False, exists=True)] = Path(),
) -> None:
    """Replace the processes of a running `andon up` so that they read the project again, without losing a request.

    The new process takes over when it is ready; if it does not become ready, the old one continues.
    """
    settings = config.load(folder.resolve())
    running = [What(address.part) for address in configured(settings)]
    if part is not What.ALL and part not in running:
        raise typer.BadParameter(f"[console] enabled is false, so there is no {part}")
    parts = running if part is What.ALL else [part]
    for line in control.restart(settings.data, parts, within=PATIENCE_SECONDS):
        typer.echo(line)

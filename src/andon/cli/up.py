"""`andon up`: the whole installation in the foreground."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from andon.kernel import config, logs
from andon.supervisor import supervisor


def up(
    folder: Annotated[Path, typer.Argument(help="The project's folder.", file_okay=False, exists=True)] = Path(),
    database: Annotated[
        str | None,
        typer.Option(
            help="postgresql://... to use for this run; if it contains a password, set ANDON_DATABASE_URL instead."
        ),
    ] = None,
) -> None:
    """Start the database, the gateway, the worker and the console, and keep them running until Ctrl-C."""
    environment = dict(os.environ)
    if database is not None:
        environment.pop("ANDON_DATABASE_URL_FILE", None)
        environment["ANDON_DATABASE_URL"] = database
    settings = config.load(folder.resolve(), environment)
    logs.configure_logs("up", settings.telemetry.log_level)
    supervisor.up(settings, say=say)


def say(words: str) -> None:
    """Print a message. One that cannot be written, as on a full disk, is lost, and work continues.

    That includes the shutdown, in which processes finish.
    """
    with suppress(OSError):
        typer.echo(words)

"""`andon stop`: ends the processes that run in a folder."""

from pathlib import Path
from typing import Annotated

import typer

from andon.kernel import config
from andon.supervisor import stopping


def stop(
    folder: Annotated[Path, typer.Argument(help="The project's folder.", file_okay=False, exists=True)] = Path(),
) -> None:
    """Stop `andon up` in a folder, or a PostgreSQL that a killed `andon up` left behind."""
    settings = config.load(folder.resolve())
    for line in stopping.stop(settings) or [f"Nothing runs in {settings.root}"]:
        typer.echo(line)

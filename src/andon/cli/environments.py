"""`andon models environment`: the environment that a version has when isolated, built ahead of time on request."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from andon import models
from andon.bootstrap.hosting import hosting_of
from andon.cli.context import project
from andon.serving import Environments


def environment(
    name: Annotated[str, typer.Argument(help="The model.")],
    number: Annotated[int | None, typer.Argument(help="The version; default: the newest.", min=1)] = None,
    build: Annotated[bool, typer.Option("--build", help="Build it now if it does not exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the environment that a version has when isolated; optionally build it before the version answers."""
    with project() as here:
        with here.database.begin() as tx:
            version = models.list_versions(tx, name)[0] if number is None else models.get(tx, name, number)
        kept = Environments(hosting_of(here.settings, name).environments)
        if build:
            with Console(stderr=True).status(f"Building the environment of {name} {version.number}"):
                python: Path | None = kept.python_for(version.manifest)
        else:
            python = kept.find(version.manifest)
    captured = version.manifest.environment
    if as_json:
        shown = {"python": captured.python, "packages": captured.packages, "interpreter": python and str(python)}
        typer.echo(json.dumps({"name": name, "number": version.number, **shown}, indent=2))
        return
    typer.echo(f"{name} {version.number} was packed with Python {captured.python} and needs")
    for package, pin in captured.packages.items():
        typer.echo(f"  {package} {pin}")
    typer.echo(_place(python, name, version.number))


def _place(python: Path | None, name: str, number: int) -> str:
    if python is None:
        return (
            f"It is not built yet: `andon models environment {name} {number} --build`, or the first process "
            "that loads it"
        )
    if python == Path(sys.executable):
        return "Andon's own environment has exactly these packages: nothing is built"
    return f"It is built: {python}"

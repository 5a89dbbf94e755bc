"""`andon connectors`: the kinds of connectors, and a new kind for the project."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console

from andon.bootstrap.connecting import Kinds
from andon.bootstrap.installation import settings_here
from andon.cli.printing import Plain
from andon.kernel.errors import Invalid
from andon.scaffold import new_connector

app = typer.Typer(help="List the kinds of connectors, and create a new kind.", no_args_is_help=True)


@app.command("list")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List all kinds of connectors, including the project's own, with their options and settings."""
    kinds = Kinds(settings_here().root)
    found = [_described(kinds, name) for name in kinds]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Plain("connector", "does", "options of an action", "[destinations.NAME.CONNECTOR]")
    for one in found:
        name = f"{one['name']} (own)" if one["own"] else one["name"]
        shapes = [", ".join(one[shape]) or "–" for shape in ("options", "settings")]
        table.add_row(name, one["summary"], *shapes)
    Console().print(table)


@app.command()
def new(name: Annotated[str, typer.Argument(help="Its name, as actions will use it.")]) -> None:
    """Create a connector for this project in `connectors/NAME`, with a contract test that passes."""
    root = settings_here().root
    for path in new_connector(root, name, taken=list(Kinds(root))):
        typer.echo(str(path.relative_to(root)))
    typer.echo(
        f'Use it: action("{name}", "DESTINATION"). Test it: pytest {Path("tests") / f"test_{name}_connector.py"}'
    )


def _described(kinds: Kinds, name: str) -> dict[str, Any]:
    own = name in kinds.own
    try:
        kind = kinds[name]
    except Invalid as error:
        return {"name": name, "own": own, "summary": str(error), "options": {}, "settings": {}}
    shapes = {"options": _fields(kind.options), "settings": _fields(kind.settings)}
    return {"name": name, "own": own, "summary": kind.summary, **shapes}


def _fields(shape: type[BaseModel]) -> dict[str, str]:
    return {name: field.description or "" for name, field in shape.model_fields.items()}

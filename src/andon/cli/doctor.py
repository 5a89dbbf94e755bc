"""`andon doctor`: the problems of an installation, and their remedies."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from andon.bootstrap.project import check_force, check_project
from andon.cli.printing import Plain
from andon.supervisor.evidence import examine_evidence
from andon.supervisor.examination import examine
from andon.supervisor.findings import DoctorFinding, DoctorState

_UNHEALTHY = 6
_COLOURS = {DoctorState.FINE: "green", DoctorState.WARNING: "yellow", DoctorState.WRONG: "red"}


def doctor(
    folder: Annotated[Path, typer.Argument(help="The project's folder.", file_okay=False, exists=True)] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, for programs.")] = False,
) -> None:
    """Find problems with this installation. Ends with status 6 if there are any."""
    found = list(examine(folder.resolve(), check_project, check_force, examine_evidence))
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(finding) for finding in found], indent=2))
    else:
        Console().print(_table(found))
    if any(finding.state is DoctorState.WRONG for finding in found):
        raise typer.Exit(_UNHEALTHY)


def _table(found: list[DoctorFinding]) -> Plain:
    table = Plain("check", "state", "found", "how to fix it")
    for finding in found:
        state = Text(finding.state, style=_COLOURS[finding.state])
        table.add_row(finding.check, state, finding.found, finding.mend)
    return table

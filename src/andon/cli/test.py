"""`andon test`: named cases, run in memory by the code and the policy on disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from andon import cases, decisions
from andon.bootstrap.casing import results_of
from andon.bootstrap.installation import settings_here
from andon.bootstrap.project import chosen, load_automations
from andon.cases import CaseResult
from andon.cli.context import project
from andon.kernel.errors import Invalid


def run_cases(
    automation: Annotated[str | None, typer.Argument(help="The automation; default: all.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Also test this model: a folder that `pack` wrote, or a registered version's number."),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a report as JUnit XML.")] = None,
    record: Annotated[
        UUID | None, typer.Option(help="Write a case from this decision instead of running cases.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The name of the case to write.")] = None,
) -> None:
    """Run the named cases of automations against the policy on disk. Ends with status 1 if one fails."""
    if record is not None or name is not None:
        if record is None or name is None or automation or model or junit:
            raise Invalid("--record DECISION_ID and --name go together, without other options")
        _record(record, name)
        return
    settings = settings_here()
    declared = load_automations(settings)
    cases.check_folders(settings.root, [one.name for one in declared])
    wanted = declared if automation is None else [chosen(declared, automation)]
    filed = cases.read_cases(settings.root, [one.name for one in wanted])
    _report(results_of(settings, wanted, filed, model), junit)


def _report(results: Sequence[CaseResult], junit: Path | None) -> None:
    if junit is not None:
        junit.write_bytes(cases.junit(results))
    for line in cases.lines_of(results):
        typer.echo(line)
    if not all(one.passed for one in results):
        raise typer.Exit(1)


def _record(decision_id: UUID, name: str) -> None:
    with project() as here:
        with here.database.begin() as tx:
            filed = cases.case_of(decisions.get(tx, decision_id), name)
        cases.write_case(here.settings.root, filed)
    typer.echo(f"{filed.file}: written")

"""`andon apply`: puts a configuration folder in force."""

from pathlib import Path
from typing import Annotated

import typer

from andon import plans
from andon.bootstrap.planning import NEWEST, apply_here, configured, plan_here
from andon.cli.context import project
from andon.cli.plan import Folder, act_of
from andon.kernel import reasons


def apply(
    folder: Folder,
    reason: Annotated[str, typer.Option(help="The reason, kept in the audit log.")],
    plan_file: Annotated[
        Path | None,
        typer.Option("--plan", help="A plan that `andon plan --out` wrote: exactly these changes are made."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Put a configuration in force in one transaction. Applying it again changes nothing."""
    with project() as here:
        act = act_of(here, reasons.require(reason))
        wanted = configured(here.settings, folder)
        kept = None if plan_file is None else plans.read_plan(plan_file)
        again = NEWEST if kept is None and not yes else 0
        found = plan_here(here.settings, here.database, wanted, act, again=again)
        if not found.changes:
            typer.echo(plans.NOTHING_TO_DO)
            return
        planned = kept or found
        if not yes:
            for line in plans.lines_of_plan(planned):
                typer.echo(line)
            typer.confirm("\nApply?", abort=True)
        done = apply_here(here.database, wanted, act_of(here, act.reason), planned)
    for line in plans.lines_of_changes(done):
        typer.echo(line)
    typer.echo(f"Applied: {plans.counted(done)}")

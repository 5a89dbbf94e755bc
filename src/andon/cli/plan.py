"""`andon plan`: the changes that a configuration folder would make."""

import json
from pathlib import Path
from typing import Annotated

import typer

from andon import plans
from andon.bootstrap.planning import NEWEST, configured, plan_here
from andon.cli.context import Project, project
from andon.plans import PlannedAct

Folder = Annotated[Path, typer.Argument(help="The folder of YAML files that declare what shall be in force.")]


def plan(
    folder: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the plan to a file for `andon apply --plan`.")] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with status 1 if there is anything to do, like `git diff`.")
    ] = False,
) -> None:
    """Show what a configuration would change, the affected lines and the approvals it needs. Changes nothing."""
    with project() as here:
        made = plan_here(
            here.settings, here.database, configured(here.settings, folder), act_of(here, "a plan"), again=NEWEST
        )
    if out is not None:
        plans.write_plan(made, out)
    if as_json:
        typer.echo(json.dumps(made.document(), indent=2, ensure_ascii=False))
    else:
        for line in plans.lines_of_plan(made):
            typer.echo(line)
        if made.changes:
            file = "" if out is None else f" --plan {out}"
            typer.echo(
                f"\n{plans.counted(made.changes)}. Nothing is changed yet: "
                f'`andon apply {folder}{file} --reason "..."` makes them.'
            )
    if exit_code and made.changes:
        raise typer.Exit(1)


def act_of(here: Project, reason: str) -> PlannedAct:
    """Return the act of the person running this command, with the settings' rule for releasing code."""
    return PlannedAct(here.actor, reason, here.clock.now(), here.events, here.settings.releases.author_may_approve)

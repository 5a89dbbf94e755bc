"""`andon release` and `andon releases`: the version of an automation's code that may decide."""

import json
from typing import Annotated

import typer
from rich.console import Console

from andon import decisions
from andon.bootstrap.project import chosen, load_automations
from andon.cli.context import project
from andon.cli.printing import Plain
from andon.cli.publishing import show_proof

Name = Annotated[str, typer.Argument(help="The automation.")]


def release(
    name: Name,
    reason: Annotated[str, typer.Option(help="The reason, kept in the audit log.")],
    version: Annotated[
        int | None,
        typer.Option(min=1, help="A version that a process has been started with, instead of the code in this folder."),
    ] = None,
) -> None:
    """Let an automation's code in this folder decide; running gateways that have it follow within a second."""
    with project() as here:
        proof = None
        if version is None:
            automation = chosen(load_automations(here.settings), name)
            decisions.compile_policy(automation)
            with here.database.begin() as tx:
                deployed = decisions.deploy(tx, automation, actor=here.actor, now=here.clock.now())
                proof = decisions.proof_change(tx, automation, policy=decisions.policy_upon_release(tx, deployed).text)
            version = deployed.number
        with here.database.begin() as tx:
            done = decisions.release(
                tx,
                name,
                version,
                actor=here.actor,
                reason=reason,
                now=here.clock.now(),
                events=here.events,
                author_may_approve=here.settings.releases.author_may_approve,
            )
    before = "nothing" if done.before is None else f"version {done.before}"
    typer.echo(
        f"{name}: version {done.version} is released, by {done.released_by} (release {done.number}); before: {before}"
    )
    show_proof(proof)


def releases(name: Name, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List every release of an automation, newest first."""
    with project() as here, here.database.begin() as tx:
        newest, history = decisions.newest_version(tx, name), decisions.list_releases(tx, name)
    if as_json:
        shown = [
            {
                "number": one.number,
                "version": one.version,
                "before": one.before,
                "released_by": one.released_by,
                "reason": one.reason,
                "released_at": one.released_at.isoformat(),
            }
            for one in history
        ]
        typer.echo(json.dumps(shown, indent=2))
        return
    table = Plain("release", "version", "before", "released")
    for one in history:
        when = f"{one.released_at:%Y-%m-%d %H:%M} UTC by {one.released_by}: {one.reason}"
        table.add_row(str(one.number), str(one.version), "" if one.before is None else str(one.before), when)
    Console().print(table)
    if not history or history[0].version != newest.number:
        typer.echo(f"Version {newest.number}, deployed by {newest.deployed_by}, is not released")

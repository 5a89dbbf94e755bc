"""`andon audits`: the share of automatic decisions that people check without seeing the line's decision."""

import json
from typing import Annotated

import typer
from rich.console import Console

from andon import decisions, gates, reviews
from andon.cli.context import project
from andon.cli.printing import Facts
from andon.reviews import AuditCounts, ReviewFilter

app = typer.Typer(help="Show and change the share of blind audits.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")]


@app.command()
def show(automation: Name, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show the current share, the last changes, and how often audits agreed with the line."""
    with project() as here, here.database.begin() as tx:
        audits = decisions.audits_of(tx, automation)
        counts = reviews.audit_counts(tx, automation).get(automation, AuditCounts())
        waiting = reviews.count(tx, ReviewFilter(automations=(automation,), blind=True), now=here.clock.now())
        history = gates.audit_share_history(tx, automation, limit=5)
    declared = audits.declared
    if as_json:
        known = {"share": audits.share, "declared": declared.share, "least": declared.lowest, "most": declared.highest}
        changes = [
            {"share": one.share, "by": one.by, "reason": one.reason, "at": one.at.isoformat()} for one in history
        ]
        counted = {"waiting": waiting, "agreed": counts.agreed, "disagreed": counts.disagreed}
        typer.echo(json.dumps({**known, **counted, "changes": changes}, indent=2))
        return
    table = Facts()
    table.add_row("share now", f"{audits.share:.2%} of the automatic decisions")
    table.add_row("declared", f"{declared.share:.2%}, from {declared.lowest:.2%} to {declared.highest:.2%}")
    table.add_row("audits", f"{waiting} waiting, {counts.agreed} agreed with the line, {counts.disagreed} did not")
    for one in history:
        table.add_row(f"{one.at:%Y-%m-%d %H:%M} UTC", f"{one.share:.2%} by {one.by}: {one.reason}")
    Console().print(table)


@app.command("set")
def set_share(
    automation: Name,
    share: Annotated[float, typer.Option(min=0, max=1, help="The share, such as 0.05; within the declared bounds.")],
    reason: Annotated[str, typer.Option(help="The reason, kept in the audit log.")],
) -> None:
    """Change the share. Running gateways follow within a second."""
    with project() as here, here.database.begin() as tx:
        declared = decisions.audits_of(tx, automation).declared
        made = gates.set_audit_share(
            tx,
            automation,
            share,
            actor=here.actor,
            reason=reason,
            events=here.events,
            now=here.clock.now(),
            least=declared.lowest,
            most=declared.highest,
        )
    typer.echo(f"{automation}: {made.share:.2%} of the automatic decisions are audited from now on")

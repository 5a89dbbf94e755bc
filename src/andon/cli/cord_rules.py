"""`andon cord rules`: rules that pull the cord automatically."""

from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console

from andon import alerts, decisions
from andon.authoring import AlertLevelName, HeldStateName
from andon.cli.context import project
from andon.cli.printing import Plain

app = typer.Typer(help="List, add and remove rules that pull the cord automatically.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")]
Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]


@app.command("list")
def list_rules(automation: Name) -> None:
    """List the rules of an automation, and the checklist for releasing the cord after a rule pulled it."""
    with project() as here, here.database.begin() as tx:
        decisions.newest_version(tx, automation)
        declared, added = alerts.declared(tx, automation), alerts.added_rules(tx, automation)
        pulls = alerts.pulls_of(tx, automation)
    table = Plain("id", "monitor", "from level", "holds", "state", "who", "why", by_id=True)
    usual = declared.rules is None
    for rule in alerts.USUAL_RULES if declared.rules is None else declared.rules:
        who = "default, as the code declares none" if usual else "the code"
        table.add_row("", rule.monitor, rule.level, _holds(rule.segment), rule.state, who, "")
    for one in added:
        rule = one.rule
        cells = (str(one.id), rule.monitor, rule.level, _holds(rule.segment), rule.state, one.added_by, one.reason)
        table.add_row(*cells)
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("No rule pulls this cord.")
    for item in declared.checklist:
        typer.echo(f"before a release: {item}")
    for pull in pulls:
        where = alerts.shown_segment(pull.segment) or "the line"
        typer.echo(f"pulled by a rule since {pull.pulled_at:%Y-%m-%d %H:%M} UTC: {where} ({pull.rule})")


@app.command()
def add(
    automation: Name,
    monitor: Annotated[str, typer.Option(help="The monitor whose alerts pull the cord.")],
    reason: Reason,
    level: Annotated[AlertLevelName, typer.Option(help="The lowest level that pulls the cord.")] = "critical",
    state: Annotated[HeldStateName, typer.Option(help="The state to set.")] = "supervised",
    whole: Annotated[
        bool, typer.Option("--whole", help="Pull the cord of the whole line, even if the alert names a segment.")
    ] = False,
) -> None:
    """Add a rule to those in the code. It applies to alerts from now on."""
    with project() as here, here.database.begin() as tx:
        made = alerts.add_rule(
            tx,
            automation,
            monitor=monitor,
            level=level,
            state=state,
            segment=not whole,
            actor=here.actor,
            reason=reason,
            now=here.clock.now(),
        )
    typer.echo(f"{made.id}: {alerts.shown_rule(made.rule)}")


@app.command()
def remove(
    automation: Name, rule: Annotated[UUID, typer.Argument(metavar="RULE", help="The rule's id.")], reason: Reason
) -> None:
    """Remove a rule that a person added. A cord that it pulled stays pulled."""
    with project() as here, here.database.begin() as tx:
        gone = alerts.remove_rule(tx, automation, rule, actor=here.actor, reason=reason, now=here.clock.now())
    typer.echo(f"removed: {alerts.shown_rule(gone.rule)}")


def _holds(segment: bool) -> str:
    return "the segment concerned" if segment else "the whole line"

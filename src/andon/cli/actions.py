"""`andon actions`: dead letters, their attempts, sending again, and disabled destinations."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from andon import actions
from andon.actions import Action, ActionSelection, ActionState, Attempt
from andon.cli.context import project
from andon.cli.printing import Facts, Plain
from andon.kernel.errors import Invalid

app = typer.Typer(help="Inspect deliveries that failed, and send them again.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


Automation = Annotated[str | None, typer.Option(help="Limit to this automation.")]
To = Annotated[
    str | None, typer.Option("--destination", help="Limit to this destination, as in `[destinations.NAME]`.")
]
Since = Annotated[datetime | None, typer.Option(help="Only actions written at this moment or later (UTC).")]
Until = Annotated[datetime | None, typer.Option(help="Only actions written before this moment (UTC).")]
Because = Annotated[
    str | None, typer.Option(help="Only actions whose last error contains this text, such as `unknown:` or `503`.")
]


@app.command()
def dead(
    automation: Automation = None,
    destination: To = None,
    since: Since = None,
    until: Until = None,
    because: Because = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the dead letters: actions that were given up."""
    with project() as here, here.database.begin() as tx:
        which = _which(automation, destination, since, until, because)
        found = actions.page(tx, ActionState.DEAD, which=which, limit=limit)
        disabled = actions.disabled_destinations(tx)
    if as_json:
        typer.echo(json.dumps([_summary(action) for action in found], indent=2))
        return
    for gone in disabled:
        typer.echo(f"{gone.name} has been disabled since {_time(gone.disabled_at)}: {gone.reason}")
    if not found:
        typer.echo("No dead letters: everything was delivered or is still being tried.")
        return
    table = Plain("dead letter", "action", "tried", "because", by_id=True)
    for action in found:
        what = f"{action.automation}: {action.action} to {action.destination}"
        table.add_row(str(action.id), what, f"{action.attempts} times", action.last_error or "")
    Console().print(table)


@app.command()
def show(action_id: Annotated[UUID, typer.Argument(help="The action.")], as_json: AsJson = False) -> None:
    """Show one action and every attempt at it."""
    with project() as here, here.database.begin() as tx:
        action = actions.get(tx, action_id)
        history = actions.attempts(tx, action_id, now=here.clock.now())
    if as_json:
        typer.echo(json.dumps(_summary(action) | {"history": [_attempt(attempt) for attempt in history]}, indent=2))
        return
    console = Console()
    facts = Facts()
    for what, value in _summary(action).items():
        facts.add_row(what, "" if value is None else str(value))
    console.print(facts)
    table = Plain("attempt", "began", "answer", "status", "detail")
    for attempt in history:
        kind = "under way" if attempt.kind is None else attempt.kind.value
        kind = f"asked: {kind}" if attempt.inquiry else kind
        said = attempt.detail if attempt.result is None else f"{attempt.detail}; result: {json.dumps(attempt.result)}"
        status = "" if attempt.status is None else str(attempt.status)
        table.add_row(str(attempt.number), _time(attempt.began_at), kind, status, said)
    console.print(table)


@app.command()
def resend(
    reason: Reason,
    action_id: Annotated[UUID | None, typer.Argument(help="The dead letter.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All dead letters except `unknown:` ones and those of disabled destinations.")
    ] = False,
    automation: Automation = None,
    destination: To = None,
    since: Since = None,
    until: Until = None,
    because: Because = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many, oldest first.")] = None,
) -> None:
    """Send dead letters again, under their old keys: one, all, or those that the options name.

    A dead letter that may have been received (`unknown:`) is sent again only by id or with `--because unknown:`.
    """
    which = _which(automation, destination, since, until, because)
    narrowed = which != ActionSelection() or limit is not None
    if (action_id is None) != (every or narrowed) or (action_id is not None and narrowed):
        raise Invalid(
            "Give either the id of a dead letter, or --all, or options that select some (--destination, --because ...)"
        )
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        if action_id is None:
            count = actions.resend_all(
                tx, which=which, actor=here.actor, reason=reason, events=here.events, now=now, limit=limit
            )
            unknown = 0 if which.names_unknown else actions.count_unknown(tx, which=which)
        else:
            actions.resend(tx, action_id, actor=here.actor, reason=reason, events=here.events, now=now)
            count, unknown = 1, 0
    typer.echo(f"{count} will be delivered again by the worker")
    if unknown:
        typer.echo(f"{unknown} left out, as they may have been delivered: `andon actions dead --because unknown:`")


@app.command()
def confirm(action_id: Annotated[UUID, typer.Argument(help="The dead letter.")], reason: Reason) -> None:
    """Confirm that the receiver got a dead letter after all, so that it is not sent again."""
    with project() as here, here.database.begin() as tx:
        actions.confirm(tx, action_id, actor=here.actor, reason=reason, events=here.events, now=here.clock.now())
    typer.echo(f"{action_id} is done")


@app.command()
def enable(
    destination: Annotated[str, typer.Argument(help="The destination, as in `[destinations.NAME]`.")], reason: Reason
) -> None:
    """Enable a destination that was disabled because it answered 410 Gone."""
    with project() as here, here.database.begin() as tx:
        actions.enable_destination(tx, destination, actor=here.actor, reason=reason, now=here.clock.now())
    typer.echo(f"{destination} is enabled; `andon actions resend --all` sends its dead letters again")


def _which(
    automation: str | None,
    destination: str | None,
    since: datetime | None,
    until: datetime | None,
    because: str | None,
) -> ActionSelection:
    return ActionSelection(
        automations=None if automation is None else [automation],
        destination=destination,
        since=None if since is None else since.replace(tzinfo=UTC),
        until=None if until is None else until.replace(tzinfo=UTC),
        because=because,
    )


def _summary(action: Action) -> dict[str, Any]:
    return {
        "id": str(action.id),
        "decision_id": action.decision_id and str(action.decision_id),
        "automation": action.automation,
        "action": action.action,
        "outcome": action.outcome,
        "connector": action.connector,
        "destination": action.destination,
        "state": action.state.value,
        "attempts": action.attempts,
        "created_at": action.created_at.isoformat(),
        "due_at": action.due_at.isoformat(),
        "settled_at": action.settled_at and action.settled_at.isoformat(),
        "last_error": action.last_error,
        "correlation_id": action.correlation_id,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "inquiry": attempt.inquiry,
        "began_at": attempt.began_at.isoformat(),
        "ended_at": attempt.ended_at and attempt.ended_at.isoformat(),
        "kind": attempt.kind and attempt.kind.value,
        "status": attempt.status,
        "detail": attempt.detail,
        "result": attempt.result,
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"

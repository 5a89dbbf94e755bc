"""`andon procedures`: lists and shows procedures, sends them events, and cancels, resumes or forks them."""

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape

from andon import procedures
from andon.cli.context import project
from andon.cli.printing import Facts, Plain
from andon.kernel.errors import Invalid
from andon.procedures import ProcedureRecord, RunState, TimelineEntry, Wait

app = typer.Typer(help="Manage procedures: work after a decision that takes several steps.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Id = Annotated[UUID, typer.Argument(help="The procedure.")]


@app.command("list")
def index(
    state: Annotated[RunState | None, typer.Option(help="Limit to this state.")] = None,
    name: Annotated[str | None, typer.Option(help="Limit to this name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List procedures, newest first."""
    with project() as here, here.database.begin() as tx:
        found = procedures.page(tx, automations=None, state=state, name=name, limit=limit)
        waits = procedures.waiting_for(tx, found)
    if as_json:
        typer.echo(json.dumps([_summary(one, waits.get(one.id)) for one in found], indent=2))
        return
    if not found:
        typer.echo("No procedure found.")
        return
    table = Plain("procedure", "name", "state", "waits for", "started", by_id=True)
    for one in found:
        wait = waits.get(one.id)
        table.add_row(str(one.id), one.name, one.state.value, _waiting(wait), _time(one.started_at))
    Console().print(table)


@app.command()
def show(procedure_id: Id, as_json: AsJson = False) -> None:
    """Show one procedure: its steps, failures and retries, the events it received, and its cancels with reasons."""
    with project() as here, here.database.begin() as tx:
        one = procedures.get(tx, procedure_id)
        wait = procedures.waiting_for(tx, [one]).get(one.id)
        timeline = procedures.timeline_of(tx, one)
        result, error = procedures.result_of(tx, one)
        events, notes = procedures.events_of(tx, one.id), procedures.log_of(tx, one.id)
    told = _summary(one, wait) | {"result": result, "error": error}
    if as_json:
        sent = [{"name": e.name, "key": e.key, "sent_by": e.sent_by, "sent_at": e.sent_at.isoformat()} for e in events]
        said = [
            {"action": n.leaf.action, "by": n.leaf.actor, "at": n.leaf.at.isoformat(), "reason": n.reason}
            for n in notes
        ]
        whole = told | {"timeline": [_entry(entry) for entry in timeline], "events": sent, "notes": said}
        typer.echo(json.dumps(whole, indent=2))
        return
    console = Console()
    facts = Facts()
    for what, value in told.items():
        facts.add_row(what, "" if value is None else str(value))
    console.print(facts)
    table = Plain("step", "what", "state", "began", "ended", "tries", "detail")
    for entry in timeline:
        table.add_row(*_row(entry))
    console.print(table)
    for event in events:
        console.print(f"{_time(event.sent_at)}  event {escape(event.name)} sent by {escape(event.sent_by)}")
    for note in reversed(notes):
        console.print(
            f"{_time(note.leaf.at)}  {note.leaf.action} by {escape(note.leaf.actor)}: {escape(note.reason or '')}"
        )


@app.command()
def send(
    procedure_id: Id,
    name: Annotated[str, typer.Argument(help="The name of the event that the procedure waits for.")],
    data: Annotated[str, typer.Option(help="The event's data, as JSON.")] = "null",
    key: Annotated[str | None, typer.Option(help="The idempotency key: the event is sent only once under it.")] = None,
) -> None:
    """Send an event to a procedure, which receives it when it waits for an event of this name."""
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Invalid(f"--data: expected JSON, for example '\"yes\"' or '{{\"yes\": true}}'; {error}") from None
    with project() as here, here.database.begin() as tx:
        _, new = procedures.send(tx, procedure_id, name, value, key=key, actor=here.actor, now=here.clock.now())
    typer.echo("sent" if new else "was already sent; nothing more is sent")


@app.command()
def cancel(procedure_id: Id, reason: Reason) -> None:
    """Stop a procedure where it is; nothing is undone, and it can be resumed."""
    with project() as here, here.database.begin() as tx:
        procedures.cancel(tx, procedure_id, actor=here.actor, reason=reason, now=here.clock.now())
    typer.echo(f"stopped; `andon procedures resume {procedure_id}` continues it")


@app.command()
def resume(procedure_id: Id, reason: Reason) -> None:
    """Let a stopped procedure continue after its last step."""
    with project() as here, here.database.begin() as tx:
        procedures.resume(tx, procedure_id, actor=here.actor, reason=reason, now=here.clock.now())
    typer.echo("it continues as soon as a worker takes it")


@app.command()
def fork(
    procedure_id: Id,
    reason: Reason,
    from_step: Annotated[int, typer.Option(min=1, help="The first step that the new procedure runs itself.")] = 1,
) -> None:
    """Start a new procedure from a step of another, on the current version of the code."""
    with project() as here, here.database.begin() as tx:
        new = procedures.fork(
            tx, procedure_id, from_step=from_step, actor=here.actor, reason=reason, now=here.clock.now()
        )
    typer.echo(str(new.id))


def _summary(one: ProcedureRecord, wait: Wait | None) -> dict[str, Any]:
    ended_at = None if one.run is None else one.run.ended_at
    return {
        "id": str(one.id),
        "name": one.name,
        "version": one.version,
        "automation": one.automation,
        "decision_id": str(one.decision_id),
        "state": one.state.value,
        "waits_for": wait and wait.what,
        "waits_until": wait and wait.until and wait.until.isoformat(),
        "started_at": one.started_at.isoformat(),
        "ended_at": ended_at and ended_at.isoformat(),
        "correlation_id": one.correlation_id,
        "forked_from": one.forked_from and str(one.forked_from),
        "forked_at_step": one.forked_at_step,
    }


def _entry(entry: TimelineEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "kind": entry.kind,
        "name": entry.name,
        "undo": entry.undo,
        "state": entry.state.value,
        "began_at": entry.began_at.isoformat(),
        "ended_at": entry.ended_at and entry.ended_at.isoformat(),
        "until": entry.until and entry.until.isoformat(),
        "attempts": entry.attempts,
        "detail": entry.detail,
        "failures": [
            {"number": f.number, "began_at": f.began_at.isoformat(), "error": f.error} for f in entry.failures
        ],
    }


def _row(entry: TimelineEntry) -> tuple[str, ...]:
    what = f"{'undo: ' if entry.undo else ''}{entry.kind} {entry.name}"
    ended = "" if entry.ended_at is None else _time(entry.ended_at)
    began = _time(entry.began_at)
    return str(entry.number), what, entry.state.value, began, ended, str(entry.attempts or ""), entry.detail


def _waiting(wait: Wait | None) -> str:
    if wait is None:
        return ""
    return wait.what if wait.until is None else f"{wait.what} until {_time(wait.until)}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"

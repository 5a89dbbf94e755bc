"""`andon streams`: positions of streams, pausing and seeking, and dead events."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from andon import streams
from andon.bootstrap.installation import settings_here
from andon.bootstrap.project import load_automations
from andon.cli.context import project
from andon.cli.printing import Facts, Plain
from andon.kernel.errors import Invalid
from andon.streams import DeadEvent, DeadState, Stream, StreamKey

app = typer.Typer(help="Inspect, pause, resume and move streams of events.", no_args_is_help=True)
dead = typer.Typer(help="Inspect, correct and resend events that could not be decided.", no_args_is_help=True)
app.add_typer(dead, name="dead")

Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[
    str, typer.Argument(metavar="STREAM", help="The automation and its trigger, such as `payments/kafka:transfers`.")
]
EventId = Annotated[UUID, typer.Argument(metavar="EVENT", help="The dead event.")]


@app.command("list")
def list_streams(as_json: AsJson = False) -> None:
    """List the streams, how far behind they are and what is wrong with them."""
    with project() as here, here.database.begin() as tx:
        found, waiting = streams.page(tx), streams.count_dead(tx)
    if as_json:
        typer.echo(json.dumps([_summary(stream, waiting.get(stream.key, 0)) for stream in found], indent=2))
        return
    if not found:
        typer.echo(
            "No stream has been read yet: an automation names its streams with `trigger=`, and a worker reads them."
        )
        return
    table = Plain("stream", "state", "lag", "newest event", "decided", "dead", "problem")
    for stream in found:
        lag, mark = stream.lag, stream.watermark
        said = stream.pause_reason or stream.problem or ""
        table.add_row(
            str(stream.key),
            stream.state.value,
            "" if lag is None else str(lag),
            "" if mark is None else _time(mark),
            str(stream.total("decided")),
            str(waiting.get(stream.key, 0)),
            said,
        )
    Console().print(table)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show one stream with its partitions."""
    with project() as here, here.database.begin() as tx:
        stream = streams.get(tx, _key(name))
        waiting = streams.count_dead(tx).get(stream.key, 0)
    summary = _summary(stream, waiting)
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    facts = Facts()
    for what, value in summary.items():
        if what != "partitions":
            facts.add_row(what, "" if value is None else str(value))
    Console().print(facts)
    table = Plain("partition", "position", "lag", "reader", "newest event", "decided", "dead")
    for p in stream.partitions:
        position = f"to {p.seek}" if p.seek is not None else str(p.position)
        mark = "" if p.watermark is None else _time(p.watermark)
        cells = (
            p.name,
            position,
            "" if p.lag is None else str(p.lag),
            str(p.owner or ""),
            mark,
            str(p.decided),
            str(p.dead),
        )
        table.add_row(*cells)
    Console().print(table)


@app.command()
def pause(name: Name, reason: Reason) -> None:
    """Pause a stream; new events wait at their source."""
    with project() as here, here.database.begin() as tx:
        streams.pause(tx, _key(name), actor=here.actor, reason=reason, now=here.clock.now())
    typer.echo(f"{name} is paused; none of its events is decided until `andon streams resume {name}`")


@app.command()
def resume(name: Name, reason: Reason) -> None:
    """Resume a stream from where it stopped."""
    with project() as here, here.database.begin() as tx:
        streams.resume(tx, _key(name), actor=here.actor, reason=reason, now=here.clock.now())
    typer.echo(f"{name} continues")


@app.command()
def seek(
    name: Name,
    to: Annotated[str, typer.Argument(help="`start`, `end`, a position, or a moment such as 2026-11-25T09:30:00Z.")],
    reason: Reason,
    partition: Annotated[str | None, typer.Option(help="Limit to this partition.")] = None,
) -> None:
    """Move a stream to another place. CloudEvents decided within two days are not decided again; plain messages are."""
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        streams.seek(tx, _key(name), to, partition=partition, actor=here.actor, reason=reason, now=now)
    typer.echo(f"{name} continues at {to} as soon as a worker reads it")


@app.command()
def asyncapi() -> None:
    """Print the incoming events and outgoing results as an AsyncAPI 3.0 document."""
    settings = settings_here()
    found = streams.asyncapi_document(load_automations(settings), title=settings.project.name)
    typer.echo(json.dumps(found, indent=2))


@dead.command("list")
def list_dead(
    state: Annotated[DeadState, typer.Option(help="dead, sent or discarded.")] = DeadState.DEAD,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List events that could not be decided."""
    with project() as here, here.database.begin() as tx:
        found = streams.dead_events(tx, state, limit=limit)
    if as_json:
        typer.echo(json.dumps([_event(event) for event in found], indent=2))
        return
    if not found:
        typer.echo("There are none.")
        return
    for event in found:
        typer.echo(f"{event.id}  {event.automation}/{event.stream}  {event.partition}:{event.position}")
        for line in (event.reason, *(f"{fault.where}: {fault.message}" for fault in event.faults)):
            typer.echo(f"    {line}")


@dead.command("show")
def show_dead(event_id: EventId) -> None:
    """Print one event as JSON, with its data as received."""
    with project() as here, here.database.begin() as tx:
        event = streams.get_dead(tx, event_id)
    typer.echo(
        json.dumps(
            _event(event) | {"headers": dict(event.headers), "data": event.data.decode("utf-8", "replace")}, indent=2
        )
    )


@dead.command()
def resend(
    event_id: EventId,
    reason: Reason,
    data: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A JSON file with the corrected data of the event.")
    ] = None,
) -> None:
    """Try an event again, corrected or as received."""
    with project() as here, here.database.begin() as tx:
        mended = None if data is None else data.read_bytes()
        now = here.clock.now()
        sent = streams.resend(tx, event_id, data=mended, actor=here.actor, reason=reason, now=now)
    typer.echo(f"A worker tries it again; its decision will be {sent.decision_id}")


@dead.command()
def discard(event_id: EventId, reason: Reason) -> None:
    """Discard an event permanently."""
    with project() as here, here.database.begin() as tx:
        streams.discard(tx, event_id, actor=here.actor, reason=reason, now=here.clock.now())
    typer.echo("Discarded; it can still be inspected with --state discarded")


def _key(name: str) -> StreamKey:
    automation, slash, stream = name.partition("/")
    if not slash:
        raise Invalid(f"A stream is named by automation and trigger, such as payments/kafka:transfers, not {name!r}")
    return StreamKey(automation, stream)


def _summary(stream: Stream, waiting: int) -> dict[str, Any]:
    return {
        "automation": stream.key.automation,
        "stream": stream.key.stream,
        "state": stream.state.value,
        "lag": stream.lag,
        "per_second": stream.per_second,
        "watermark": stream.watermark and stream.watermark.isoformat(),
        **{count: stream.total(count) for count in ("decided", "repeated", "left_out", "dead")},
        "dead_waiting": waiting,
        "paused_at": stream.paused_at and stream.paused_at.isoformat(),
        "paused_by": stream.paused_by,
        "pause_reason": stream.pause_reason,
        "problem": stream.problem,
        "partitions": [
            {
                "name": p.name,
                "position": p.position,
                "end": p.end,
                "lag": p.lag,
                "seek": p.seek,
                "owner": p.owner and str(p.owner),
            }
            for p in stream.partitions
        ],
    }


def _event(event: DeadEvent) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "stream": f"{event.automation}/{event.stream}",
        "partition": event.partition,
        "position": event.position,
        "source": event.source,
        "event_id": event.event_id,
        "type": event.type,
        "reason": event.reason,
        "faults": [{"where": fault.where, "message": fault.message} for fault in event.faults],
        "state": event.state.value,
        "died_at": event.died_at.isoformat(),
        "settled_by": event.settled_by,
        "settle_reason": event.settle_reason,
        "decision_id": event.decision_id and str(event.decision_id),
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"

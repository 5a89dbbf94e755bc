"""`andon history`: everything in force on a line at a moment, with the author and reason of each."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer
from pydantic_core import to_jsonable_python
from rich.console import Console

from andon import changes
from andon.alerts import shown_segment
from andon.changes import LineAt, LineMoment
from andon.cli.context import project
from andon.cli.moments import moment_of
from andon.cli.printing import Facts, Plain


def show(
    automation: Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")],
    at: Annotated[
        str | None, typer.Option(help='The moment, such as "2026-03-03 14:00"; UTC if it has no zone; default: now.')
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what was in force on a line at a moment, who set it and why, and the changes before and after."""
    wanted = None if at is None else moment_of(at)
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        found = changes.moment_of_line(tx, automation, wanted or now, now=now)
    if as_json:
        typer.echo(json.dumps(to_jsonable_python(changes.document_of_moment(found)), indent=2))
        return
    typer.echo(f"{automation} at {_when(found.line.at)}")
    console = Console(highlight=False)
    table = Facts()
    for what, text in _facts(found.line):
        table.add_row(what, text)
    console.print(table)
    console.print(_timeline(found))


def _facts(line: LineAt) -> Iterator[tuple[str, str]]:
    """Return each thing that was in force: a word and a sentence."""
    yield "line", line.state
    for pull in line.states:
        what = shown_segment(pull.segment) or "the line"
        yield "cord", f"{what} is {pull.after}, {_by(pull.by, pull.at, pull.reason)}"
    if line.release is None:
        yield "code", "nothing had been released, so nothing was decided"
        return
    released = _by(line.release.released_by, line.release.released_at, line.release.reason)
    yield "code", f"version {line.release.version}, {released}"
    if line.policy is not None:
        yield "policy", f"{line.policy.version}, {_by(line.policy.set_by, line.policy.set_at, line.policy.reason)}"
    if line.champion is None:
        yield "champion", f"none of {line.model}"
    else:
        name, number = line.champion.name, line.champion.number
        yield "champion", f"{name} {number}, {_by(line.champion.set_by, line.champion.set_at, line.champion.reason)}"
    yield "answering", ", ".join(f"version {one}: {share:g} %" for one, share in line.shares.items()) or "nothing"
    if line.shadows:
        yield "shadows", ", ".join(f"version {one}" for one in line.shadows)
    if line.split is not None and line.split.set_at is not None:
        by = _by(line.split.set_by, line.split.set_at, line.split.reason)
        yield "split", f"number {line.split.number}, {by}"
    if line.rollout is not None:
        one = line.rollout
        yield (
            "rollout",
            f"number {one.number} of version {one.candidate}, {_by(one.started_by, one.created_at, one.reason)}",
        )
    for gate in line.gates:
        held, where = gate.revision, f" ({gate.where})" if gate.where else ""
        confidence, by = changes.confidence_sentence(held), _by(held.by, held.at, held.reason)
        yield "gate", f"revision {held.revision} of {gate.arm}{where}: {confidence}, {by}"
    if line.audit_share is not None:
        changed = line.audit_change
        by = "declared by the code" if changed is None else _by(changed.by, changed.at, changed.reason)
        yield "blind audits", f"{line.audit_share:.2%} of the automatic decisions, {by}"


def _timeline(found: LineMoment) -> Plain:
    table = Plain("when", "kind", "what", "who and why")
    for one in found.before:
        table.add_row(_when(one.at), one.kind, one.what, f"{one.by}: {one.reason}")
    table.add_row(_when(found.line.at), "", "the state shown above", style="bold")
    for one in found.after:
        table.add_row(_when(one.at), one.kind, one.what, f"{one.by}: {one.reason}")
    return table


def _by(who: str, at: datetime, reason: str) -> str:
    return f"by {who} {_when(at)}: {reason}"


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"

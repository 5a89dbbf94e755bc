"""What the commands of rollouts and experiments share."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer
from pydantic_core import to_jsonable_python
from rich.console import Console

from andon import decisions
from andon.authoring import Automation, DeclarationInvalid, span_of
from andon.bootstrap.project import ready_for, users_of
from andon.bootstrap.trials import once_tried
from andon.cli.context import Project, project
from andon.cli.printing import Plain
from andon.kernel.db import Tx
from andon.kernel.errors import Invalid
from andon.models import CHAMPION

Name = Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")]
Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Listed = Annotated[str | None, typer.Argument(help="The automation; default: all.")]


def checks_of(here: Project, tx: Tx, automation: Automation) -> dict[str, Any]:
    """Return the checks that an arm can answer here: for its automation, and for all that follow the champion."""
    users = users_of(here.settings, automation.model, CHAMPION)
    return {
        "ready": ready_for(users or [automation], here.settings, tx),
        "suits": lambda policy: decisions.check_policy(automation, policy),
    }


def moved(
    change: Callable[..., Any], automation: str, number: int | None, reason: str, checked: Automation | None = None
) -> Any:
    """Move a rollout or an experiment, and return it; with `checked`, its arms are tried first."""
    with project() as here:
        given = {"actor": here.actor, "reason": reason, "events": here.events, "now": here.clock.now()}

        def move(tx: Tx) -> Any:
            checks = {} if checked is None else checks_of(here, tx, checked)
            return change(tx, automation, number, **given, **checks)

        return once_tried(here.settings, here.database, move)


def print_list(
    page: Callable[..., Sequence[Any]],
    document: Callable[[Any], Any],
    columns: Sequence[tuple[str, Callable[[Any], str]]],
    automation: str | None,
    *,
    as_json: bool,
) -> None:
    """Print rollouts or experiments, newest first; `columns` stand between the number and the start."""
    with project() as here, here.database.begin() as tx:
        found = page(tx, None if automation is None else [automation])
    if as_json:
        print_json([document(one) for one in found])
        return
    table = Plain("automation", "no.", *(heading for heading, _ in columns), "started", "why")
    for one in found:
        started = f"{one.created_at:%Y-%m-%d %H:%M} UTC by {one.started_by}: {one.reason}"
        cells = (cell(one) for _, cell in columns)
        table.add_row(one.automation, str(one.number), *cells, started, one.why)
    Console().print(table)


def print_steps(events: Iterable[Any]) -> None:
    """Print what happened: when, what, by whom and why."""
    steps = Plain("when", "what", "by", "why")
    for event in events:
        steps.add_row(f"{event.at:%Y-%m-%d %H:%M:%S} UTC", event.kind.replace("_", " "), event.by, event.reason)
    Console().print(steps)


def print_json(document: Any) -> None:
    """Print a document with times, states and values of the domain."""
    typer.echo(json.dumps(to_jsonable_python(document), indent=2))


def span(option: str, text: str, example: str) -> timedelta:
    """Read a span such as 10m. Raises Invalid."""
    try:
        return span_of(text)
    except DeclarationInvalid:
        raise Invalid(f"{option} {text!r}: expected a number with s, m, h or d, as in {option} {example}") from None

"""`andon kpi`: the change figures of lines, named as in DORA."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from pydantic_core import to_jsonable_python
from rich.console import Console

from andon import changes
from andon.changes import ChangeAccount, ChangeFigures, ChangeShare, ChangeSpan, ChangeWeek, LineChange
from andon.cli.context import project
from andon.cli.printing import Facts, Plain
from andon.cord import LineState

_SHOWN = 20
_WEEKS = 13


def show(
    automation: Annotated[str | None, typer.Argument(help="The automation; default: all.")] = None,
    since: Annotated[str, typer.Option(help="How far back to look, such as 90d or 24h.")] = "90d",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how often lines change, how long changes take, how often they fail, and how soon failures are repaired."""
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        begin = changes.since_of(now, since)
        if automation is None:
            found = changes.figures(tx, since=begin, now=now)
            _print_all(found, as_json)
        else:
            _print_one(changes.account_of(tx, automation, since=begin, now=now), as_json)


def _print_all(found: Sequence[ChangeFigures], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(to_jsonable_python([changes.document_of_figures(one) for one in found]), indent=2))
        return
    headings = ("automation", "changes", "a week", "lead time", "failed", "recovery", "automatic rollbacks", "rework")
    table = Plain(*headings, "automatic")
    for one in found:
        table.add_row(
            one.automation,
            str(one.changes),
            _rate(one.frequency.per_week),
            _span(one.lead_time.median),
            _share(one.failures),
            _span(one.recovery_time.median),
            _share(one.automatic_rollbacks),
            _share(one.rework),
            _part(one.states.share(LineState.AUTOMATIC)),
        )
    Console().print(table)


def _print_one(found: ChangeAccount, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(to_jsonable_python(changes.document_of_account(found)), indent=2))
        return
    figures = found.figures
    days = (figures.until - figures.since) / timedelta(days=1)
    typer.echo(f"{figures.automation}, {figures.since:%Y-%m-%d} to {figures.until:%Y-%m-%d} ({days:.1f} days)")
    console = Console(highlight=False)
    console.print(_facts(figures))
    console.print(_weeks(found.weeks[-_WEEKS:]))
    if found.changes:
        console.print(_changes(found.changes[:_SHOWN]))
    if len(found.changes) > _SHOWN or len(found.weeks) > _WEEKS:
        typer.echo(f"At most the newest {_WEEKS} weeks and {_SHOWN} changes are shown; --json has all of them")


def _facts(one: ChangeFigures) -> Facts:
    rate, table = one.frequency, Facts()
    interval = f" a week ({_rate(rate.low)} to {_rate(rate.high)}), "
    per_week = "" if rate.per_week is None else f"{_rate(rate.per_week)}{interval}"
    kinds = ", ".join(f"{count} {kind}" for kind, count in one.kinds.items())
    changed = f"{one.changes} {'change' if one.changes == 1 else 'changes'}"
    table.add_row("deployment frequency", f"{per_week}{changed}{f': {kinds}' if kinds else ''}")
    table.add_row("lead time", _median(one.lead_time))
    open_yet = f"; {one.undecided} may still fail" if one.undecided else ""
    table.add_row("change failure rate", f"{_share_of(one.failures)}{open_yet}")
    lasting = f"; {one.unrecovered} not over" if one.unrecovered else ""
    table.add_row("failed deployment recovery time", f"{_median(one.recovery_time)}{lasting}")
    table.add_row("automatic rollbacks", _share_of(one.automatic_rollbacks))
    table.add_row("rework rate", _share_of(one.rework))
    for state, time in one.states.times.items():
        in_part = one.states.in_part if state is LineState.AUTOMATIC else None
        held = f"; held in part for {_span(in_part)}" if in_part else ""
        table.add_row(f"time {state}", f"{_part(one.states.share(state))}, {_span(time)}{held}")
    return table


def _rate(per_week: float | None) -> str:
    if per_week is None:
        return ""
    return f"{per_week:,.0f}" if per_week >= 10 else f"{per_week:.2g}"


def _weeks(weeks: Sequence[ChangeWeek]) -> Plain:
    table = Plain("week of", "changes", "failed", "rolled back", "by Andon", "rework", "lead time", "line held")
    for one in weeks:
        counts = (one.changes, one.failed, one.rollbacks, one.automatic_rollbacks, one.rework)
        spans = (_span(one.lead_time), _span(one.held) if one.held else "")
        table.add_row(f"{one.starts_at:%Y-%m-%d}", *(str(count) if count else "" for count in counts), *spans)
    return table


def _changes(made: Sequence[LineChange]) -> Plain:
    table = Plain("when", "kind", "what", "lead time", "failed", "who and why")
    for one in made:
        signs = ", ".join(f"{sign.kind} {sign.at:%m-%d %H:%M}" for sign in one.signs)
        who = f"{one.by}: {one.reason}"
        table.add_row(f"{one.at:%Y-%m-%d %H:%M}", one.kind, one.what, _span(one.lead_time), signs, who)
    return table


def _share(one: ChangeShare) -> str:
    return "" if one.share is None else f"{one.share:.0%} of {one.all}"


def _part(share: float | None) -> str:
    return "no time yet" if share is None else f"{share:.1%}"


def _share_of(one: ChangeShare) -> str:
    if one.share is None:
        return "none yet"
    return f"{one.share:.1%} ({one.low:.1%} to {one.high:.1%}), {one.some} of {one.all}"


def _median(one: ChangeSpan) -> str:
    if one.median is None:
        return "none yet"
    bounds = "" if one.low is None else f" ({_span(one.low)} to {_span(one.high)})"
    return f"{_span(one.median)}{bounds}, median of {one.count}"


def _span(length: timedelta | None) -> str:
    """Write a length of time in its two largest units."""
    if length is None:
        return ""
    seconds = int(length.total_seconds())
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"

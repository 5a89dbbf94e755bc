"""`andon spending`: the cost of decisions, and the state of budgets."""

import json
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from andon import spending
from andon.cli.context import project
from andon.cli.printing import Plain
from andon.kernel.config import Settings
from andon.kernel.db import Tx
from andon.spending import BudgetState, Spend, Total, digits, in_units, money


def show(
    automation: Annotated[str | None, typer.Argument(help="Only this automation.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First UTC day; default: 29 days before the last.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last UTC day; default: today.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what decisions cost, by day, automation and model version, and the state of the budgets."""
    with project() as here, here.database.begin() as tx:
        now = here.clock.now()
        first, last = spending.span(since and since.date(), until and until.date(), now.date())
        rows = spending.of_all(tx, None if automation is None else [automation], first, last)
        budgets = _budgets(tx, automation, rows, now)
    if automation is not None and not rows and not budgets:
        _require(here.settings, automation)
    if as_json:
        typer.echo(json.dumps(_document(first, last, rows, budgets), indent=2))
        return
    typer.echo(f"{first} to {last}, UTC")
    for name in sorted({row.automation for row in rows}):
        Console().print(_table(name, [row for row in rows if row.automation == name]))
    if not rows:
        typer.echo("Nothing was spent.")
    for state in budgets:
        typer.echo(_in_words(state))


def _require(settings: Settings, automation: str) -> None:
    """Require that the project declares the automation. Raises AutomationNotFound, AutomationInvalid.

    The code that reads declarations is imported only here.
    """
    from andon.bootstrap.project import chosen, load_automations

    chosen(load_automations(settings), automation)


def _budgets(tx: Tx, automation: str | None, rows: list[Spend], now: datetime) -> list[BudgetState]:
    names = [automation] if automation is not None else sorted({row.automation for row in rows})
    return [state for name in names if (state := spending.budget_state(tx, name, now)) is not None]


def _table(automation: str, rows: list[Spend]) -> Plain:
    """Return one automation's spending with totals by currency, and GPU time only if there was any."""
    gpu = any(row.gpu_us for row in rows)
    headings = ("day", "version", "decided", "CPU s", *(["GPU s"] if gpu else []), "cost", "idle", "")
    table = Plain(*headings, title=automation, by_id=True)
    for column in table.columns[1:-1]:
        column.justify = "right"
    for row in rows:
        table.add_row(str(row.day), str(row.version), *_cells(row, gpu=gpu))
    table.add_section()
    for total in spending.totals(rows):
        table.add_row("all", "", *_cells(total, gpu=gpu))
    return table


def _cells(of: Spend | Total, *, gpu: bool) -> list[str]:
    seconds = [of.cpu_us, of.gpu_us] if gpu else [of.cpu_us]
    return [
        f"{of.decisions:,}",
        *(f"{each / 1e6:,.3f}" for each in seconds),
        *(f"{money(nanos):.6f}" for nanos in (of.cost, of.idle)),
        of.currency,
    ]


def _in_words(state: BudgetState) -> str:
    period, currency = state.period, state.period.currency
    since = "" if state.used_up_at is None else f" since {state.used_up_at.astimezone(UTC):%H:%M:%S} UTC"
    return (
        f"Budget of {period.automation}: {money(state.spent):.6f} of {money(state.amount).normalize():f} {currency} "
        f"a {period.per} spent ({state.used_ratio:.0%}), {state.standing}{since}; a new one begins on {period.ends_on}"
    )


def _document(first: date, last: date, rows: list[Spend], budgets: list[BudgetState]) -> dict[str, Any]:
    return {
        "since": str(first),
        "until": str(last),
        "total": [in_units(total) for total in spending.totals(rows)],
        "days": [
            {"day": str(row.day), "automation": row.automation, "version": row.version, **in_units(row)} for row in rows
        ],
        "budgets": [_budget(state) for state in budgets],
    }


def _budget(state: BudgetState) -> dict[str, Any]:
    return {
        "automation": state.period.automation,
        "per": state.period.per,
        "starts_on": str(state.period.starts_on),
        "ends_on": str(state.period.ends_on),
        "currency": state.period.currency,
        "amount": digits(state.amount),
        "spent": digits(state.spent),
        "reserved": digits(state.reserved),
        "used_ratio": state.used_ratio,
        "standing": state.standing.value,
        "nearly_spent_at": state.nearly_at and state.nearly_at.isoformat(),
        "spent_at": state.used_up_at and state.used_up_at.isoformat(),
    }

"""`andon budget`: the budget of an automation, declared in its code or set by a person."""

import json
from typing import Annotated, Literal

import typer

from andon import decisions, spending
from andon.authoring import Budget
from andon.bootstrap.project import chosen, load_automations
from andon.cli.context import project
from andon.spending import BudgetSetting

app = typer.Typer(help="Show and set what predictions of an automation may cost.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="AUTOMATION", help="The automation.")]
Reason = Annotated[str, typer.Option(help="The reason, kept in the audit log.")]


@app.command()
def show(automation: Name, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show budgets that people set, newest first, and the one in the code. `andon spending` shows what was spent."""
    with project() as here, here.database.begin() as tx:
        decisions.require_deployed(tx, automation)
        history = spending.budget_history(tx, automation, limit=20)
        declared = chosen(load_automations(here.settings), automation).budget
        currency = here.settings.cost.currency
    if as_json:
        typer.echo(json.dumps([_document(one) for one in history], indent=2))
        return
    for one in history:
        typer.echo(f"{one.set_at:%Y-%m-%d %H:%M} UTC: {_words(one, currency)}, by {one.set_by}: {one.reason}")
    in_code = "none" if declared is None else f"{spending.in_words(declared)} ({currency})"
    typer.echo(f"In the code: {in_code}")


@app.command("set")
def set_budget(
    automation: Name,
    amount: Annotated[float, typer.Option(help="The amount for each period, in the currency of `[cost]`.")],
    reason: Reason,
    per: Annotated[Literal["day", "month"], typer.Option(help="The period, in UTC.")] = "day",
) -> None:
    """Set a budget instead of the one in the code. Running gateways and workers follow within two seconds."""
    _set(automation, Budget(amount, per), reason)


@app.command()
def clear(automation: Name, reason: Reason) -> None:
    """Return to the budget in the code; if it has none, predictions are not limited."""
    _set(automation, None, reason)


def _set(automation: str, budget: Budget | None, reason: str) -> None:
    with project() as here, here.database.begin() as tx:
        decisions.require_deployed(tx, automation)
        made = spending.set_budget(tx, automation, budget, actor=here.actor, reason=reason, now=here.clock.now())
        currency = here.settings.cost.currency
    typer.echo(f"{automation}: {_words(made, currency)} from now on")


def _words(one: BudgetSetting, currency: str) -> str:
    return f"{one.summary} ({currency})" if one.budget else one.summary


def _document(one: BudgetSetting) -> dict[str, object]:
    budget = None if one.budget is None else {"amount": one.budget.amount, "per": one.budget.per}
    return {"budget": budget, "by": one.set_by, "reason": one.reason, "at": one.set_at.isoformat()}

"""The spending route: the costs of an automation's decisions by day and model version, and its budget."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from andon import spending
from andon.access import Permission
from andon.decisions import AutomationNotFound
from andon.gateway.dependencies import Caller, Day, Db, Now, Parts
from andon.spending import BudgetStanding, BudgetState, digits, in_units

router = APIRouter(prefix="/v1/automations", tags=["automations"])

Amount = Annotated[str, Field(description="In units of the currency, with nine decimal places.")]


class SpentOut(BaseModel):
    """The costs of decisions: `cost` is for the CPU and GPU time they used, `idle_cost` their share of unused time."""

    currency: str
    decisions: int
    cpu_seconds: float
    gpu_seconds: float
    cost: Amount
    idle_cost: Amount


class DaySpentOut(SpentOut):
    """The costs of one model version's decisions on one UTC day; version 0: no model was asked."""

    day: date
    version: int


class BudgetOut(BaseModel):
    """A budget in the present period. Processes pay from `reserved` and return what they do not need."""

    per: str = Field(description="day or month, UTC.")
    starts_on: date
    ends_on: date = Field(description="The first day of the next period.")
    currency: str
    amount: Amount
    spent: Amount
    reserved: Amount
    used_ratio: float = Field(description="0 to 1.")
    standing: BudgetStanding
    nearly_spent_at: datetime | None
    spent_at: datetime | None = Field(description="When the budget first could not pay for a prediction.")


class SpendingOut(BaseModel):
    """The costs of an automation, newest day first, the sum for each currency, and its budget, if it has one."""

    automation: str
    since: date
    until: date
    total: list[SpentOut]
    days: list[DaySpentOut]
    budget: BudgetOut | None


@router.get("/{name}/spending", operation_id="get_spending")
def show(
    name: str,
    gateway: Parts,
    caller: Caller,
    db: Db,
    now: Now,
    since: Annotated[Day | None, Query(description="First UTC day. Default: 29 days before `until`.")] = None,
    until: Annotated[Day | None, Query(description="Last UTC day. Default: today.")] = None,
) -> SpendingOut:
    """Show the costs of an automation's decisions, by day and model version, and the state of its budget."""
    caller.require(Permission.READ_AUTOMATIONS, name)
    first, last = spending.span(since, until, now.date())
    with db.begin() as tx:
        rows = spending.of(tx, name, first, last)
        budget = spending.budget_state(tx, name, now)
    if not rows and name not in gateway.lines:
        raise AutomationNotFound(f"No automation {name!r} is deployed here, and none has spent anything in these days")
    return SpendingOut(
        automation=name,
        since=first,
        until=last,
        total=[SpentOut(**in_units(total)) for total in spending.totals(rows)],
        days=[DaySpentOut(day=row.day, version=row.version, **in_units(row)) for row in rows],
        budget=None if budget is None else _budget(budget),
    )


def _budget(state: BudgetState) -> BudgetOut:
    return BudgetOut(
        per=state.period.per,
        starts_on=state.period.starts_on,
        ends_on=state.period.ends_on,
        currency=state.period.currency,
        amount=digits(state.amount),
        spent=digits(state.spent),
        reserved=digits(state.reserved),
        used_ratio=state.used_ratio,
        standing=state.standing,
        nearly_spent_at=state.nearly_at,
        spent_at=state.used_up_at,
    )

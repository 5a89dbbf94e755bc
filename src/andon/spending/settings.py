"""Budgets that people set in place of those in the code. Each change is audited. Processes read them at renewal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from andon import audit
from andon.authoring import Budget
from andon.kernel import reasons
from andon.kernel.db import Tx
from andon.kernel.identity import Actor
from andon.spending import store
from andon.spending.domain import amount_of, digits, money
from andon.spending.vouched import BUDGET_SETTINGS


@dataclass(frozen=True, slots=True)
class BudgetSetting:
    """One change of a budget by a person. Without `budget`, the one in the code applies again."""

    automation: str
    number: int
    budget: Budget | None
    set_by: str
    reason: str
    set_at: datetime

    @property
    def summary(self) -> str:
        """The budget in words, without the currency."""
        return "as in the code" if self.budget is None else in_words(self.budget)


def set_budget(
    tx: Tx, automation: str, budget: Budget | None, *, actor: Actor, reason: str, now: datetime
) -> BudgetSetting:
    """Set a budget; None returns to the one in the code. Raises ReasonInvalid."""
    reason = reasons.require(reason)
    store.lock_budgets(tx, automation)
    before = newest_setting(tx, automation)
    number = 1 if before is None else before.number + 1
    made = BudgetSetting(automation, number, budget, actor.name, reason, now)
    per, amount = (None, None) if budget is None else (budget.per, amount_of(budget))
    store.add_setting(tx, automation, number, per, amount, by=actor.name, reason=reason, at=now)
    audit.record(
        tx,
        actor=actor,
        action="budget.set",
        subject=f"automation:{automation}",
        at=now,
        reason=reason,
        before=_shown(None if before is None else before.budget),
        after=_shown(budget),
        rows=[BUDGET_SETTINGS.row(automation, number)],
    )
    return made


def hold_budget(tx: Tx, automation: str) -> None:
    """Keep others from setting this budget until the transaction ends."""
    store.lock_budgets(tx, automation)


def newest_setting(tx: Tx, automation: str) -> BudgetSetting | None:
    """Return the newest change of a budget; None if nobody changed it."""
    found = budget_history(tx, automation, limit=1)
    return found[0] if found else None


def budget_history(tx: Tx, automation: str, *, limit: int | None = None) -> Sequence[BudgetSetting]:
    """Return the changes of a budget, newest first."""
    return [
        BudgetSetting(row.automation, row.number, store.budget_in(row), row.set_by, row.reason, row.set_at)
        for row in store.settings_of(tx, automation, limit)
    ]


def budgets_in_force(tx: Tx, declared: Mapping[str, Budget]) -> Mapping[str, Budget]:
    """Return the budget of each automation: the one that a person set, or else the declared one."""
    return {**declared, **store.set_budgets(tx)}


def in_words(budget: Budget) -> str:
    """Return a budget in words, such as `5 a day`."""
    return f"{money(amount_of(budget)).normalize():f} a {budget.per}"


def _shown(budget: Budget | None) -> dict[str, str] | None:
    return None if budget is None else {"amount": digits(amount_of(budget)), "per": budget.per}

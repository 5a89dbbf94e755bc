"""Spending: what decisions cost, and budgets that are never overspent.

Start reading at `domain.py` (money, periods, the book of a budget), then `purse.py` (why a budget is never overspent).
"""

from andon.spending.domain import (
    BudgetStanding,
    BudgetState,
    Period,
    Price,
    Spend,
    Total,
    digits,
    in_units,
    money,
    price,
    span,
    totals,
)
from andon.spending.errors import SpanInvalid
from andon.spending.keeping import Keeper
from andon.spending.ports import SpendWatcher
from andon.spending.published import BudgetChanged, BudgetNearlySpent, BudgetUsedUp
from andon.spending.purse import Purse
from andon.spending.service import budget_state, charge, has_room, of, of_all
from andon.spending.settings import (
    BudgetSetting,
    budget_history,
    budgets_in_force,
    hold_budget,
    in_words,
    newest_setting,
    set_budget,
)
from andon.spending.tally import SpendTally

__all__ = [
    "BudgetChanged",
    "BudgetNearlySpent",
    "BudgetSetting",
    "BudgetStanding",
    "BudgetState",
    "BudgetUsedUp",
    "Keeper",
    "Period",
    "Price",
    "Purse",
    "SpanInvalid",
    "Spend",
    "SpendTally",
    "SpendWatcher",
    "Total",
    "budget_history",
    "budget_state",
    "budgets_in_force",
    "charge",
    "digits",
    "has_room",
    "hold_budget",
    "in_units",
    "in_words",
    "money",
    "newest_setting",
    "of",
    "of_all",
    "price",
    "set_budget",
    "span",
    "totals",
]

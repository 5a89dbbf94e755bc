"""Spending: the costs of decisions, and budgets that are never overspent.

Start reading at `domain.py` (money, periods, the book of a budget), then `purse.py` (why a budget is never overspent)
and `advances.py` (the same for requests to paid services).
"""

from andon.spending.advances import Advance, Advances
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
from andon.spending.errors import BudgetExhausted, SpanInvalid
from andon.spending.keeping import Keeper
from andon.spending.ports import SpendWatcher
from andon.spending.published import BudgetChanged, BudgetNearlySpent, BudgetUsedUp
from andon.spending.purse import Purse
from andon.spending.service import budget_state, of, of_all
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
    "Advance",
    "Advances",
    "BudgetChanged",
    "BudgetExhausted",
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
    "digits",
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

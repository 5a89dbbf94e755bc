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
from andon.spending.service import budget_state, of, of_all
from andon.spending.tally import SpendTally

__all__ = [
    "BudgetChanged",
    "BudgetNearlySpent",
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
    "budget_state",
    "digits",
    "in_units",
    "money",
    "of",
    "of_all",
    "price",
    "span",
    "totals",
]

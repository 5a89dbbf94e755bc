"""Spending: what decisions cost, and budgets that are never overspent.

Start reading at `domain.py` (money, periods, the book of a budget), then `purse.py` (why a budget is never overspent).
"""

from andon.spending.domain import (
    BudgetState,
    Period,
    Price,
    Spend,
    Standing,
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
from andon.spending.ports import Watcher
from andon.spending.published import BudgetChanged, BudgetNearlySpent, BudgetSpent
from andon.spending.purse import Purse
from andon.spending.service import budget_state, of, of_all
from andon.spending.tally import Tally

__all__ = [
    "BudgetChanged",
    "BudgetNearlySpent",
    "BudgetSpent",
    "BudgetState",
    "Keeper",
    "Period",
    "Price",
    "Purse",
    "SpanInvalid",
    "Spend",
    "Standing",
    "Tally",
    "Total",
    "Watcher",
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

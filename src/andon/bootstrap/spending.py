"""The spending of one process: built from its settings, its prices, the budgets of its automations; and its metrics."""

import time
from collections.abc import Callable, Iterable, Sequence

from andon import spending
from andon.authoring import Automation
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.metrics import Metrics
from andon.spending import BudgetState, Keeper, Price, Spend, money


def price_of(settings: Settings) -> Price:
    """What computing costs here."""
    return spending.price(settings.cost.cpu_hour, settings.cost.gpu_hour, settings.cost.currency)


def keep_spending(
    settings: Settings,
    database: Database,
    automations: Iterable[Automation],
    *,
    clock: Clock,
    events: Events,
    metrics: Metrics,
    cpu_seconds: Callable[[], float] = time.process_time,
) -> Keeper:
    """What keeps a process's tally and purse while it is entered (`async with`). Raises BudgetTooLarge."""
    budgets = {automation.name: automation.budget for automation in automations if automation.budget is not None}
    watcher = SpendingMetrics(metrics)
    return Keeper(
        database,
        budgets,
        price_of(settings),
        clock=clock,
        events=events,
        watcher=watcher,
        cpu_seconds=cpu_seconds,
    )


class SpendingMetrics:
    """What this process spent, and how the budgets stand that it pays from."""

    def __init__(self, metrics: Metrics) -> None:
        self._spent: dict[tuple[str, str, str], float] = {}
        self._budgets: dict[str, BudgetState] = {}
        metrics.counts_of(
            "andon_spend",
            "What this process's decisions cost, in the currency; version 0: no model was asked. The idle share is not in it.",
            lambda: list(self._spent.items()),
            labels=("automation", "version", "currency"),
        )
        metrics.gauges_of(
            "andon_budget_used_ratio",
            "The share of the present day's or month's budget that all processes spent, 0 to 1.",
            lambda: [((name,), state.used_ratio) for name, state in list(self._budgets.items())],
            labels=("automation",),
        )
        metrics.gauges_of(
            "andon_budget_limit",
            "The amount of the budget, in the currency.",
            lambda: [
                ((name, state.period.currency), float(money(state.amount)))
                for name, state in list(self._budgets.items())
            ],
            labels=("automation", "currency"),
        )

    def spent(self, rows: Sequence[Spend]) -> None:
        """So much more was spent."""
        for row in rows:
            key = (row.automation, str(row.version), row.currency)
            self._spent[key] = self._spent.get(key, 0.0) + float(money(row.cost))

    def budget(self, state: BudgetState) -> None:
        """How a budget stands now."""
        self._budgets[state.period.automation] = state

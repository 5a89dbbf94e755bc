"""The spending of one process, built from its settings and the budgets of its automations."""

import time
from collections.abc import Callable, Iterable

from andon import spending
from andon.authoring import Automation
from andon.bootstrap.costs import SpendingMetrics
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.metrics import Metrics
from andon.spending import Keeper, Price


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
    return Keeper(
        database,
        budgets,
        price_of(settings),
        clock=clock,
        events=events,
        watcher=SpendingMetrics(metrics),
        cpu_seconds=cpu_seconds,
    )

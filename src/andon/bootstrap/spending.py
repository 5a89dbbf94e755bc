"""The spending of one process, built from its settings and the budgets of its automations."""

import time
from collections.abc import Callable, Iterable, Sequence

from andon import spending
from andon.authoring import Automation, Budget
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.serving import LoadedVersion
from andon.spending import Advances, Keeper, Price


class Paying:
    """The payments of a decider: the purse limits predictions, the tally records all costs."""

    def __init__(self, keeper: Keeper, gpu_us: Callable[[str, int], int]) -> None:
        """`gpu_us` returns the GPU time of an automation's version since its last call."""
        self._purse, self._tally, self._gpu_us = keeper.purse, keeper.tally, gpu_us

    def allow(self, automation: str, n: int) -> int:
        """Return how many of `n` predictions may be made."""
        return self._purse.allow(automation, n)

    def settle(self, automation: str, version: int, paid: int, unpaid: int, cpu_us: int) -> None:
        """Record finished predictions: how many were paid, how many were not made, and the CPU time."""
        gpu_us = self._gpu_us(automation, version)
        self._purse.settle(automation, version, paid, cpu_us, gpu_us)
        self._tally.add(automation, version, paid, cpu_us, gpu_us)
        if unpaid:
            self._tally.add(automation, 0, unpaid, 0)

    def settle_shadow(self, automation: str, version: int, paid: int, cpu_us: int) -> None:
        """Record finished predictions of a shadow, and their CPU time."""
        gpu_us = self._gpu_us(automation, version)
        self._purse.settle(automation, version, paid, cpu_us, gpu_us)
        self._tally.add(automation, version, 0, cpu_us, gpu_us)


def cpu_seconds_of(loaded: Callable[[], Sequence[LoadedVersion]]) -> Callable[[], float]:
    """Return a function for the CPU time of this process and its models' processes; it never decreases."""
    most = 0.0

    def so_far() -> float:
        nonlocal most
        elsewhere = sum(one.patient.cpu_seconds for one in loaded() if one.patient is not None)
        most = max(most, time.process_time() + elsewhere)
        return most

    return so_far


def gpu_us_of(
    automations: Iterable[Automation], loaded: Callable[[], Sequence[LoadedVersion]]
) -> Callable[[str, int], int]:
    """Return a function for the GPU time of an automation's version since its last call, in microseconds."""
    models = {automation.name: automation.model for automation in automations}

    def taken(automation: str, version: int) -> int:
        wanted = models[automation], version
        return sum(one.take_gpu_us() for one in loaded() if (one.version.name, one.version.number) == wanted)

    return taken


def price_of(settings: Settings) -> Price:
    """Return the price of computing here."""
    return spending.price(settings.cost.cpu_hour, settings.cost.gpu_hour, settings.cost.currency)


def budgets_of(automations: Iterable[Automation]) -> dict[str, Budget]:
    """Return the budgets that a project declares."""
    return {automation.name: automation.budget for automation in automations if automation.budget is not None}


def advances_of(settings: Settings, automations: Iterable[Automation], events: Events) -> Advances:
    """Return the payer of language models, which uses the budgets of a project."""
    return Advances(budgets_of(automations), settings.cost.currency, events)


def keep_spending(
    settings: Settings,
    database: Database,
    automations: Iterable[Automation],
    *,
    clock: Clock,
    events: Events,
    watcher: spending.SpendWatcher,
    cpu_seconds: Callable[[], float] = time.process_time,
) -> Keeper:
    """Return the keeper of a process's tally and purse, active while entered (`async with`)."""
    return Keeper(
        database,
        budgets_of(automations),
        price_of(settings),
        clock=clock,
        events=events,
        watcher=watcher,
        cpu_seconds=cpu_seconds,
    )

"""What a decider beside the main event loop tells that loop: how its batches went, and what they cost.

Metrics and tallies are written on the main loop only. Nothing here waits for it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from andon.decisions import BatchReport, BatchWatcher, Payer


class BatchesAside:
    """A watcher that hands everything on to another loop's watcher."""

    def __init__(self, loop: asyncio.AbstractEventLoop, then: BatchWatcher) -> None:
        self._loop, self._then = loop, then

    def batch(self, reports: Sequence[BatchReport]) -> None:
        """Hand on a committed batch."""
        _on(self._loop, lambda: self._then.batch(reports))

    def failed(self, transient: bool, requests: int) -> None:
        """Hand on a failed batch."""
        _on(self._loop, lambda: self._then.failed(transient, requests))

    def expired(self, automation: str, requests: int) -> None:
        """Hand on that nobody waited any more."""
        _on(self._loop, lambda: self._then.expired(automation, requests))

    def shadowed(self, automation: str, run: int, dropped: int) -> None:
        """Hand on what shadows saw."""
        _on(self._loop, lambda: self._then.shadowed(automation, run, dropped))


class CostsAside:
    """A payer for automations without a model: nothing is predicted, so nothing is limited; costs are handed on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, then: Payer) -> None:
        self._loop, self._then = loop, then

    def allow(self, automation: str, n: int) -> int:
        """Allow all."""
        del automation
        return n

    def settle(self, automation: str, version: int, paid: int, unpaid: int, cpu_us: int) -> None:
        """Hand on what a batch used; none of it was paid from a purse."""
        _on(self._loop, lambda: self._then.settle(automation, version, 0, paid + unpaid, cpu_us))

    def settle_shadow(self, automation: str, version: int, paid: int, cpu_us: int) -> None:
        """Hand on what shadows used."""
        _on(self._loop, lambda: self._then.settle_shadow(automation, version, paid, cpu_us))


def _on(loop: asyncio.AbstractEventLoop, tell: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop has ended, and with it whoever counts
        loop.call_soon_threadsafe(tell)

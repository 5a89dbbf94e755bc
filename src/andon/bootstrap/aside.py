"""Reports from a decider on another event loop to the main one: results and costs of its batches.

Metrics and tallies are written only on the main loop. Nothing here waits for it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from andon.decisions import BatchReport, BatchWatcher, Payer


class BatchesAside:
    """A watcher that passes everything on to another loop's watcher."""

    def __init__(self, loop: asyncio.AbstractEventLoop, then: BatchWatcher) -> None:
        self._loop, self._then = loop, then

    def batch(self, reports: Sequence[BatchReport]) -> None:
        """Pass on a committed batch."""
        _on(self._loop, lambda: self._then.batch(reports))

    def failed(self, transient: bool, requests: int) -> None:
        """Pass on a failed batch."""
        _on(self._loop, lambda: self._then.failed(transient, requests))

    def expired(self, automation: str, requests: int) -> None:
        """Pass on that requests expired."""
        _on(self._loop, lambda: self._then.expired(automation, requests))

    def shadowed(self, automation: str, run: int, dropped: int) -> None:
        """Pass on the counts of shadows."""
        _on(self._loop, lambda: self._then.shadowed(automation, run, dropped))


class CostsAside:
    """A payer for automations without a model: there are no predictions to limit, so it only passes on costs."""

    def __init__(self, loop: asyncio.AbstractEventLoop, then: Payer) -> None:
        self._loop, self._then = loop, then

    def allow(self, automation: str, n: int) -> int:
        """Allow all."""
        del automation
        return n

    def settle(self, automation: str, version: int, paid: int, unpaid: int, cpu_us: int) -> None:
        """Pass on what a batch used; none of it was paid from a purse."""
        _on(self._loop, lambda: self._then.settle(automation, version, 0, paid + unpaid, cpu_us))

    def settle_shadow(self, automation: str, version: int, paid: int, cpu_us: int) -> None:
        """Pass on what shadows used."""
        _on(self._loop, lambda: self._then.settle_shadow(automation, version, paid, cpu_us))


def _on(loop: asyncio.AbstractEventLoop, tell: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop has ended, and nobody counts any more
        loop.call_soon_threadsafe(tell)

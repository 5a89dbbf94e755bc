"""The lag of the event loop, which delays every request of the process."""

import asyncio

from andon.kernel.metrics import Metrics

EVERY = 0.25
"""Seconds between two measurements."""


class LoopMetrics:
    """Measures the event loop of a process."""

    def __init__(self, metrics: Metrics) -> None:
        self.lag = metrics.batch_histogram(
            "andon_event_loop_lag_seconds",
            "How late the event loop woke a sleeping task: a delay that every request shares.",
        )

    async def watch(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            self.lag.observe_times((), max(0.0, loop.time() - due))

"""How late the event loop is: what holds it up, holds up every request of the process."""

import asyncio

from andon.kernel.metrics import Metrics

EVERY = 0.25
"""Seconds between two looks."""


async def watch_loop(metrics: Metrics) -> None:
    """Measure until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + EVERY
        await asyncio.sleep(EVERY)
        metrics.loop_lag.observe_times((), max(0.0, loop.time() - due))

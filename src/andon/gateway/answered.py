"""Counts the decisions that were answered: all of one turn of the event loop together, since a batch is answered in one turn."""

import asyncio

from andon.kernel.metrics import Metrics


class Answered:
    """Use from one event loop."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._seconds: dict[str, list[float]] = {}

    def add(self, automation: str, seconds: float) -> None:
        """One more is answered now, so long after it came. It is counted before anything that comes after it is looked at."""
        known = self._seconds.get(automation)
        if known is None:
            if not self._seconds:
                asyncio.get_running_loop().call_soon(self._count)
            known = self._seconds[automation] = []
        known.append(seconds)

    def _count(self) -> None:
        taken, self._seconds = self._seconds, {}
        for automation, seconds in taken.items():
            self._metrics.requests.add((automation, "200"), len(seconds))
            self._metrics.latency.observe_many((automation,), seconds)

"""Counts what decide requests were answered: all of one turn of the event loop together, since a batch is answered in one turn."""

import asyncio

from andon.kernel.metrics import Metrics


class Answered:
    """Use from one event loop."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._seconds: dict[tuple[str, int], list[float]] = {}

    def add(self, automation: str, status: int, seconds: float) -> None:
        """One more is answered now, so long after it came. The next turn counts it."""
        key = (automation, status)
        known = self._seconds.get(key)
        if known is None:
            if not self._seconds:
                asyncio.get_running_loop().call_soon(self._count)
            known = self._seconds[key] = []
        known.append(seconds)

    def _count(self) -> None:
        """Each answer by its status, and how long those took that are no error."""
        taken, self._seconds = self._seconds, {}
        for (automation, status), seconds in taken.items():
            self._metrics.requests.add((automation, str(status)), len(seconds))
            if status < 300:
                self._metrics.latency.observe_many((automation,), seconds)

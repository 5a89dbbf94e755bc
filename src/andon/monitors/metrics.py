"""The metrics of monitors."""

from andon.kernel.db import Tx
from andon.kernel.events import Events
from andon.kernel.metrics import Metrics
from andon.monitors.published import MonitorBreached


class MonitorMetrics:
    """Counts what monitors of this process found, from zero."""

    def __init__(self, metrics: Metrics) -> None:
        self.breaches = metrics.counter(
            "andon_monitor_breaches_total",
            "Series that monitors found in breach, or found more serious than before.",
            ("automation", "monitor", "level"),
        )

    def follow(self, events: Events) -> None:
        """Count every breach that is published here."""
        events.subscribe(MonitorBreached, self._count)

    def _count(self, tx: Tx, breach: MonitorBreached) -> None:
        del tx
        self.breaches.labels(breach.automation, breach.monitor, breach.level.value).inc()

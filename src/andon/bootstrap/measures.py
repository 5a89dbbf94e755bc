"""Every metric that gateways and workers count, declared by their slices in one registry."""

from collections.abc import Callable

from andon.actions.metrics import DeliveryMetrics
from andon.audit.metrics import AuditMetrics
from andon.bootstrap.loop import LoopMetrics
from andon.decisions.metrics import DecisionMetrics
from andon.gateway import RequestMetrics
from andon.kernel.chores import ChoreMetrics
from andon.kernel.metrics import Metrics
from andon.monitors.metrics import MonitorMetrics
from andon.procedures.metrics import ProcedureMetrics
from andon.reviews.metrics import ReviewMetrics
from andon.spending.metrics import SpendingMetrics
from andon.streams.metrics import StreamMetrics
from andon.tools.metrics import ToolMetrics


class Measures:
    """The metrics of one process. `breached` counts expectations that did not hold."""

    def __init__(self, *, breached: Callable[[str, str, int], None] | None = None) -> None:
        self.metrics = Metrics()
        self.requests = RequestMetrics(self.metrics)
        self.decisions = DecisionMetrics(self.metrics, breached=breached)
        self.spending = SpendingMetrics(self.metrics)
        self.streams = StreamMetrics(self.metrics)
        self.deliveries = DeliveryMetrics(self.metrics)
        self.procedures = ProcedureMetrics(self.metrics)
        self.reviews = ReviewMetrics(self.metrics)
        self.tools = ToolMetrics(self.metrics)
        self.audit = AuditMetrics(self.metrics)
        self.monitors = MonitorMetrics(self.metrics)
        self.chores = ChoreMetrics(self.metrics)
        self.loop = LoopMetrics(self.metrics)

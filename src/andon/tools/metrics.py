"""Metrics of tool calls."""

from andon.kernel.metrics import Metrics
from andon.tools.domain import CallState, ToolCall


class ToolMetrics:
    """Counts the calls that a process decided, and the ends that it observed."""

    def __init__(self, metrics: Metrics) -> None:
        self._decided = metrics.counter(
            "andon_tool_calls_total", "Decided tool calls, by outcome.", labels=("toolbox", "outcome")
        )
        self._ended = metrics.counter(
            "andon_tool_calls_ended_total", "Ended tool calls, by state.", labels=("toolbox", "state")
        )

    def decided(self, call: ToolCall) -> None:
        """Count a decided call."""
        self._decided.labels(call.toolbox, call.outcome).inc()

    def ended(self, call: ToolCall) -> None:
        """Count a call that was carried out, with its state."""
        if call.state in (CallState.DONE, CallState.FAILED):
            self._ended.labels(call.toolbox, call.state.value).inc()

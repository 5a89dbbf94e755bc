"""Metrics of decide requests."""

from andon.kernel.metrics import Metrics


class RequestMetrics:
    """Counts requests by their answer and observes how long they took. Use it from the event loop only."""

    def __init__(self, metrics: Metrics) -> None:
        self.requests = metrics.batch_counter(
            "andon_http_requests_total", "Decide requests, by answer.", ("automation", "status")
        )
        self.latency = metrics.batch_histogram(
            "andon_decision_seconds", "Time from admission to the answer, including the commit.", ("automation",)
        )
        self.refused = metrics.batch_counter(
            "andon_refused_total",
            "Requests refused for lack of capacity or time, by reason: rate, queue, deadline.",
            ("automation", "reason"),
        )

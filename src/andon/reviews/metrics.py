"""The metrics of reviews."""

from andon.kernel.metrics import Metrics


class ReviewMetrics:
    """Counts reviews that a worker opened."""

    def __init__(self, metrics: Metrics) -> None:
        self.opened = metrics.counter("andon_reviews_opened_total", "Reviews opened.")

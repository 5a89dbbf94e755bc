"""The metrics of deliveries."""

from andon.actions.domain import Answer
from andon.kernel.metrics import Metrics


class DeliveryMetrics:
    """Counts what the delivery loop did."""

    def __init__(self, metrics: Metrics) -> None:
        many = metrics.batch_counter
        self.attempts = many("andon_deliveries_total", "Delivery attempts, by answer.", ("destination", "answer"))
        self.seconds = metrics.batch_histogram(
            "andon_delivery_seconds", "Duration of one delivery attempt.", ("destination",)
        )
        self.dead_letters = many("andon_dead_letters_total", "Deliveries given up.", ("destination",))
        self.retries = many(
            "andon_delivery_retries_total", "Delivery attempts after an earlier one was answered.", ("destination",)
        )
        self.untried = many(
            "andon_deliveries_held_back_total",
            "Claimed actions returned without an attempt, by reason: breaker, retry_budget, unknown (to this worker).",
            ("destination", "reason"),
        )
        self.inquiries = many(
            "andon_delivery_inquiries_total",
            "Inquiries whether a destination received an earlier attempt, by answer.",
            ("destination", "answer"),
        )

    def answered(self, destination: str, answer: Answer, *, retry: bool, seconds: float) -> None:
        """Count an attempt that ended."""
        self.dead_letters.add((destination,), 0)  # counted from zero
        self.attempts.add((destination, answer.kind.value))
        self.seconds.observe_times((destination,), seconds)
        if retry:
            self.retries.add((destination,))

    def inquired(self, destination: str, answer: Answer) -> None:
        """Count an inquiry about an earlier attempt."""
        self.inquiries.add((destination, answer.kind.value))

    def held_back(self, destination: str, why: str) -> None:
        """Count a claimed action that was given back untried."""
        self.untried.add((destination, why))

    def gave_up(self, destination: str) -> None:
        """Count a delivery that became a dead letter."""
        self.dead_letters.add((destination,))

"""The observer of deliveries: metrics, from outside the slice."""

from typing import Protocol

from andon.actions.domain import Answer


class DeliveryObserver(Protocol):
    """Observes deliveries. Called on the event loop, so it counts and returns."""

    def answered(self, destination: str, answer: Answer, *, retry: bool, seconds: float) -> None:
        """Observe an attempt that ended; `retry` says that the receiver had answered an earlier one."""
        ...

    def inquired(self, destination: str, answer: Answer) -> None:
        """Observe an inquiry whether a destination took an earlier attempt."""
        ...

    def held_back(self, destination: str, why: str) -> None:
        """Observe a claimed action given back untried: `breaker`, or `retry_budget`."""
        ...

    def gave_up(self, destination: str) -> None:
        """Observe a delivery that became a dead letter."""
        ...


class UnobservedDeliveries:
    """An observer that does nothing."""

    def answered(self, destination: str, answer: Answer, *, retry: bool, seconds: float) -> None:
        """Nothing."""

    def inquired(self, destination: str, answer: Answer) -> None:
        """Nothing."""

    def held_back(self, destination: str, why: str) -> None:
        """Nothing."""

    def gave_up(self, destination: str) -> None:
        """Nothing."""

"""The observer of procedures, for metrics. Called from the engine's threads, so it must return quickly."""

from typing import Protocol


class StepObserver(Protocol):
    """Observes steps and ends."""

    def step_done(self, procedure: str, step: str, seconds: float) -> None:
        """Observe a step function that returned."""
        ...

    def step_failed(self, procedure: str, step: str) -> None:
        """Observe a step function that raised; it may be retried."""
        ...

    def ended(self, procedure: str, *, failed: bool) -> None:
        """Observe a procedure that ended."""
        ...


class UnobservedSteps:
    """Nobody listens."""

    def step_done(self, procedure: str, step: str, seconds: float) -> None:
        """Nothing."""

    def step_failed(self, procedure: str, step: str) -> None:
        """Nothing."""

    def ended(self, procedure: str, *, failed: bool) -> None:
        """Nothing."""

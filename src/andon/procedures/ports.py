"""Who hears how procedures go, for metrics. Called from the engine's threads, so it counts and returns."""

from typing import Protocol


class StepObserver(Protocol):
    """Hears of steps and ends."""

    def step_done(self, procedure: str, step: str, seconds: float) -> None:
        """A function of a step returned."""
        ...

    def step_failed(self, procedure: str, step: str) -> None:
        """A function of a step raised; it may be tried again."""
        ...

    def ended(self, procedure: str, *, failed: bool) -> None:
        """A procedure came to its end."""
        ...


class UnobservedSteps:
    """Nobody listens."""

    def step_done(self, procedure: str, step: str, seconds: float) -> None:
        """Nothing."""

    def step_failed(self, procedure: str, step: str) -> None:
        """Nothing."""

    def ended(self, procedure: str, *, failed: bool) -> None:
        """Nothing."""

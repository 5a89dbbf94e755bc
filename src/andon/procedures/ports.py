"""The ports of procedures to their process: an observer for metrics, and the desk that decides calls of tools."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from andon.agents import OpenModels
from andon.authoring import Toolbox
from andon.spending import Advances
from andon.tools import ToolCall


class ToolDesk(Protocol):
    """Decides calls of tools by the line in force. Called on the engine's own event loop."""

    async def decide(
        self,
        box: Toolbox,
        given: Mapping[str, Any],
        *,
        key: UUID,
        caller: str,
        correlation_id: str,
        traceparent: str | None,
    ) -> ToolCall:
        """Return the decided call; the same key again gives the same one."""
        ...


class AgentDesk(ToolDesk, Protocol):
    """A desk that also opens language models."""

    @property
    def models(self) -> OpenModels:
        """The language models of the settings."""
        ...

    @property
    def advances(self) -> Advances:
        """The advances that pay for them from the budgets of automations."""
        ...

    def close(self) -> None:
        """Stop deciding."""
        ...


class StepObserver(Protocol):
    """Observes steps and ends. Called from the engine's threads, so it must return quickly."""

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
    """An observer that does nothing."""

    def step_done(self, procedure: str, step: str, seconds: float) -> None:
        """Nothing."""

    def step_failed(self, procedure: str, step: str) -> None:
        """Nothing."""

    def ended(self, procedure: str, *, failed: bool) -> None:
        """Nothing."""

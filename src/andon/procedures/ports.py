"""What procedures need of their process: an observer for metrics, and the desk at which tools are decided."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from andon.agents import OpenModels
from andon.authoring import Toolbox
from andon.spending import Advances
from andon.tools import ToolCall


class ToolDesk(Protocol):
    """Decides calls of tools by the line that decides now. Called on the engine's own event loop."""

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
        """Return the call that the decision makes; the same key again gives the same one."""
        ...


class AgentDesk(ToolDesk, Protocol):
    """A desk that also opens language models."""

    @property
    def models(self) -> OpenModels:
        """The language models of the settings."""
        ...

    @property
    def advances(self) -> Advances:
        """What pays them from the budgets of automations."""
        ...

    def close(self) -> None:
        """Decide nothing more."""
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
    """Nobody listens."""

    def step_done(self, procedure: str, step: str, seconds: float) -> None:
        """Nothing."""

    def step_failed(self, procedure: str, step: str) -> None:
        """Nothing."""

    def ended(self, procedure: str, *, failed: bool) -> None:
        """Nothing."""

"""The port through which the loop acts; its runner does each act once and keeps the outcome."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from andon.agents.domain import Said, ToolEnd
from andon.authoring import Tool


class AgentActs(Protocol):
    """The acts of one agent in one run."""

    async def request(self, messages: Sequence[Any], parameters: Any, within: float, money: int | None) -> Said:
        """Ask the model, with a timeout of `within` seconds, if that cannot cost more than `money` nano-units.

        Raises AgentStopped if it may cost more or fails permanently.
        """
        ...

    async def call(self, tool: Tool, arguments: Mapping[str, Any]) -> ToolEnd:
        """Have a tool call decided, wait for a person if the policy asks for one, and carry the call out."""
        ...

    async def goes_on(self, why: str) -> bool:
        """Tell a person why the agent stopped, and return whether it may continue."""
        ...


class OpenModels(Protocol):
    """Opens the language models of the settings."""

    def open(self, name: str) -> Any:
        """Return a `language_models.LanguageModel`. Raises LanguageModelInvalid."""
        ...

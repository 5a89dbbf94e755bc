"""What the loop needs of whoever runs it: each act is done once and kept."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from andon.agents.domain import Said, ToolEnd
from andon.authoring import Tool


class AgentActs(Protocol):
    """The acts of one agent in one run."""

    async def request(self, messages: Sequence[Any], parameters: Any, within: float) -> Said:
        """Ask the model within so many seconds. Raises AgentStopped when it fails for good."""
        ...

    async def call(self, tool: Tool, arguments: Mapping[str, Any]) -> ToolEnd:
        """Have a call of a tool decided, wait for a person if the policy says so, and carry it out."""
        ...

    async def goes_on(self, why: str) -> bool:
        """Tell a person why the agent stopped; whether it shall go on."""
        ...


class OpenModels(Protocol):
    """Opens the language models of the settings."""

    def open(self, name: str) -> Any:
        """Return a `language_models.LanguageModel`. Raises LanguageModelInvalid."""
        ...

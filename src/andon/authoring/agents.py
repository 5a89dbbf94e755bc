"""Agents: a step of a procedure in which a language model works with the tools of a toolbox until it has a result."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from andon.authoring.errors import DeclarationInvalid
from andon.authoring.tools import Toolbox

AGENT_CALLER = "agent:"
"""The beginning of a tool caller's name when it is an agent of a procedure; the agent's name follows."""

PromptOf: TypeAlias = Callable[[Any], str]

_NAME = re.compile(r"^[a-z][a-z0-9-]{0,62}$")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one run of an agent: steps (requests and tool calls), tokens, working time, and money.

    Waiting for a person is not working time. `money` is in the currency of `[cost]`; the automation's budget holds too.
    """

    steps: int = 30
    tokens: int = 100_000
    time: timedelta = timedelta(minutes=10)
    money: float | None = None

    def __post_init__(self) -> None:
        if self.steps < 1 or self.tokens < 1:
            raise DeclarationInvalid("Limits: steps and tokens must be at least 1")
        if self.time <= timedelta() or (self.money is not None and self.money <= 0):
            raise DeclarationInvalid("Limits: time and money must be above zero")


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """A declared agent. `model` names a section `[language_models.NAME]` of andon.toml; there is none by default.

    `result` is the type of its result: text, or any type that Pydantic can build from JSON. `queue` is the review queue
    for a run that fails or reaches a limit (default: the procedure's own).
    """

    name: str
    model: str
    prompt: PromptOf
    toolbox: Toolbox | None = None
    result: Any = str
    limits: Limits = field(default_factory=Limits)
    instructions: str = ""
    queue: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise DeclarationInvalid(
                f"Agent {self.name!r}: a name is lower-case letters, digits and '-', at most 63, a letter first"
            )
        if not isinstance(self.model, str) or not _NAME.match(self.model):
            raise DeclarationInvalid(
                f"Agent {self.name!r}: model must be the NAME of [language_models.NAME] in andon.toml"
            )
        if self.toolbox is not None and not isinstance(self.toolbox, Toolbox):
            raise DeclarationInvalid(f"Agent {self.name!r}: toolbox must be a Toolbox, got {self.toolbox!r}")
        if not callable(self.prompt):
            raise DeclarationInvalid(f"Agent {self.name!r}: expected a function that builds the prompt from its data")

    @property
    def caller(self) -> str:
        """Its name as the caller of tools."""
        return f"{AGENT_CALLER}{self.name}"


def agent(
    name: str,
    *,
    model: str,
    toolbox: Toolbox | None = None,
    result: Any = str,
    limits: Limits | None = None,
    queue: str | None = None,
) -> Callable[[PromptOf], AgentSpec]:
    """Declare an agent. The function below builds the prompt from its data; its docstring instructs the model."""

    def declare(prompt: PromptOf) -> AgentSpec:
        instructions = inspect.getdoc(prompt) or ""
        return AgentSpec(name, model, prompt, toolbox, result, limits or Limits(), instructions, queue)

    return declare

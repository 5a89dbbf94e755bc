"""What a run of an agent has used so far, and the limits that stop it. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from andon.authoring import Limits


class AgentStopped(Exception):
    """The agent has no result: a limit was reached, or its model failed or refused."""


@dataclass(frozen=True, slots=True)
class Said:
    """A response of a model as JSON, with its time, tokens and cost. `cost` is in nano-units of the currency."""

    response: Any
    seconds: float
    tokens: int
    cost: int


@dataclass(frozen=True, slots=True)
class ToolEnd:
    """The end of a tool call: what the model is told about it, and the seconds that it took."""

    told: Any
    seconds: float = 0.0


def refusal_of(tool: str, state: str) -> str:
    """Return the text for the agent about a call that a person refused, or that nobody approved in time."""
    why = "a person refused it" if state == "refused" else "nobody approved it in time"
    return f"{tool} was not carried out: {why}."


def failure_of(tool: str, why: str) -> str:
    """Return the text for the agent about a call that failed."""
    return f"{tool} failed: {why}"


@dataclass(slots=True)
class Used:
    """What a run has used since it began, or since a person last let it continue."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    cost: int = 0

    def add(self, *, tokens: int = 0, seconds: float = 0.0, cost: int = 0) -> None:
        """Count one more step."""
        self.steps += 1
        self.tokens += tokens
        self.seconds += seconds
        self.cost += cost

    def reached(self, limits: Limits) -> str | None:
        """Return which limit is reached, in words; None if none is."""
        if self.steps >= limits.steps:
            return f"it took all of its {limits.steps} steps"
        if self.tokens >= limits.tokens:
            return f"it used {self.tokens:,} of {limits.tokens:,} tokens"
        if self.seconds >= limits.time.total_seconds():
            return f"it worked for all of its {limits.time}"
        if limits.money is not None and self.cost >= limits.money * 1e9:
            return f"it spent {self.cost / 1e9:g} of {limits.money:g}"
        return None

    def time_left(self, limits: Limits) -> timedelta:
        """Return the working time that is left."""
        return limits.time - timedelta(seconds=self.seconds)

    def money_left(self, limits: Limits) -> int | None:
        """Return how much may still be spent, in nano-units; None without a spending limit."""
        return None if limits.money is None else max(0, round(limits.money * 1e9) - self.cost)

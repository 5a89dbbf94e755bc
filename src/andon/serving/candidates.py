"""Candidates: a model version with its policy and gate, its own or those in force. Pure."""

import re
from typing import Any, NamedTuple

_TEXT = re.compile(r"([1-9][0-9]{0,9})(?:\+([0-9a-f]{12}))?(?:~([0-2](?:\.[0-9]{1,6})?))?")


class Candidate(NamedTuple):
    """A model version and a published policy version. Without a `policy` it follows the one in force.

    `gate` is a threshold of its own: from this confidence on it decides, and never from less than is proven. As text
    `8`, `8+3f2a9c01d2e4`, `8~0.93` or `8+3f2a9c01d2e4~0.93`.
    """

    version: int
    policy: str = ""
    gate: float | None = None

    def __str__(self) -> str:
        policy = f"+{self.policy}" if self.policy else ""
        return f"{self.version}{policy}{gate_suffix(self.gate)}"

    def __lt__(self, other: tuple[Any, ...]) -> bool:
        return _ordered(self) < _ordered(other)

    def __gt__(self, other: tuple[Any, ...]) -> bool:
        return _ordered(self) > _ordered(other)

    @classmethod
    def parse(cls, text: str) -> "Candidate":
        """Read a candidate. Raises ValueError."""
        match = _TEXT.fullmatch(text.strip())
        gate = None if match is None or match[3] is None else float(match[3])
        if match is None or gate_fault(gate):
            raise ValueError(
                f"{text!r} is not a candidate: expected VERSION, VERSION+POLICY, VERSION~GATE or VERSION+POLICY~GATE, "
                "such as 8, 8+3f2a9c01d2e4 or 8~0.93"
            )
        return cls(int(match[1]), match[2] or "", gate)


def gate_suffix(gate: float | None) -> str:
    """Write a threshold as names of candidates and arms end with it; nothing for none."""
    return "" if gate is None else f"~{gate:.6f}".rstrip("0").removesuffix(".")


def gate_fault(gate: float | None) -> str:
    """Return the fault in a candidate's threshold; empty if there is none."""
    if gate is None or (0 <= gate <= 2 and round(gate, 6) == gate):
        return ""
    return "Expected a confidence from 0 to 1 with at most six decimals, or 2 if nothing may be automatic"


def arm_of(model: str, candidate: Candidate, *, in_force: str) -> str:
    """Return the name of a candidate's arm while policy `in_force` holds."""
    return f"{model}@{candidate.version}+{candidate.policy or in_force}{gate_suffix(candidate.gate)}"


def proven_arm(arm: str) -> str:
    """Return the name of the arm whose evidence proves a gate: the same versions, without their own gate."""
    return arm.partition("~")[0]


def _ordered(candidate: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a sort key: the candidate without a gate comes before those with one."""
    version, policy, gate = candidate
    return version, policy, -1.0 if gate is None else gate

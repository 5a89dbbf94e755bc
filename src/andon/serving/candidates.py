"""What can be given a share of an automation's traffic: a model version, by the policy in force or by a policy of its own. Pure."""

import re
from typing import NamedTuple

_TEXT = re.compile(r"([1-9][0-9]{0,9})(?:\+([0-9a-f]{12}))?")


class Candidate(NamedTuple):
    """A model version and a published policy version. Without a `policy` it follows the one in force.

    As text `8` or `8+3f2a9c01d2e4`.
    """

    version: int
    policy: str = ""

    def __str__(self) -> str:
        return f"{self.version}+{self.policy}" if self.policy else str(self.version)

    @classmethod
    def parse(cls, text: str) -> "Candidate":
        """Read a candidate. Raises ValueError."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no candidate: say VERSION or VERSION+POLICY, as 8 or 8+3f2a9c01d2e4")
        return cls(int(match[1]), match[2] or "")


def arm_of(model: str, candidate: Candidate, *, in_force: str) -> str:
    """The name of the arm that a candidate is while policy `in_force` holds."""
    return f"{model}@{candidate.version}+{candidate.policy or in_force}"

"""The fallbacks when the chosen model version cannot answer: failed, too slow, broken, or out of budget."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from andon.authoring.errors import DeclarationInvalid

BY_RULES = "rules"
"""The rules that need no prediction; if none of them applies, the policy's `otherwise`."""

BY_REVIEW = "review"
"""A person: the implicit end of every chain."""

LEAST, MOST = 1e-9, 9e9
"""The range in which an amount can be counted in nano-units of a currency, as PostgreSQL stores them."""

_ALIAS = re.compile(r"^[a-z][a-z0-9-]{0,62}$")


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that predictions may cost per day or month (UTC), in the currency of `[cost]`; then fallbacks answer."""

    amount: float
    per: Literal["day", "month"] = "day"

    def __post_init__(self) -> None:
        if isinstance(self.amount, bool) or not isinstance(self.amount, int | float):
            raise DeclarationInvalid(f"Budget: expected a number as the amount, got {self.amount!r}")
        if not LEAST <= self.amount <= MOST:
            raise DeclarationInvalid(f"Budget: expected an amount from 0.000000001 to 9000000000, got {self.amount}")
        if self.per not in ("day", "month"):
            raise DeclarationInvalid(f"Budget: `per` must be day or month, got {self.per!r}")


Fallbacks: TypeAlias = Sequence[str]
"""In order: `rules`, `review`, or the alias of another version of the model (`champion`, `stable`)."""


def checked(automation: str, fallbacks: Fallbacks) -> tuple[str, ...]:
    """Return the complete chain, with `review` at its end. Raises DeclarationInvalid."""
    if not isinstance(fallbacks, list | tuple):
        raise DeclarationInvalid(
            f"Automation {automation!r}: fallback must be a list or tuple of names, such as ('rules',), got "
            f"{fallbacks!r}"
        )
    chain = tuple(fallbacks)
    for step in chain:
        if not isinstance(step, str) or not _ALIAS.match(step):
            raise DeclarationInvalid(
                f"Automation {automation!r}: a fallback must be 'rules', 'review' or the alias of a version, got "
                f"{step!r}"
            )
    if len(set(chain)) != len(chain) or BY_REVIEW in chain[:-1]:
        raise DeclarationInvalid(f"Automation {automation!r}: no fallback may occur twice or follow 'review'")
    return chain if chain[-1:] == (BY_REVIEW,) else (*chain, BY_REVIEW)

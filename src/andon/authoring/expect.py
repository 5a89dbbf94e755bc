"""A builder's expectations about the values that a decision sees."""

from dataclasses import dataclass

from andon.authoring.errors import DeclarationInvalid

EXPECTED = ("expectations_hold", "expectations_breached")
"""The expectation features of a line: whether all hold, and the names of breached ones, separated by commas."""


@dataclass(frozen=True, slots=True)
class Expect:
    """An expectation about a feature or an input field: between two numbers, one of some values, or present.

    A value outside it is a breach: it is counted, published, stored with the decision and passed to the policy, which
    decides what follows. `missing` is whether a missing value is acceptable.
    """

    name: str
    at_least: float | None = None
    at_most: float | None = None
    one_of: tuple[float | int | str | bool, ...] = ()
    missing: bool = False

    def __post_init__(self) -> None:
        bounded = self.at_least is not None or self.at_most is not None
        if bounded and self.one_of:
            raise DeclarationInvalid(f"Expect({self.name!r}): set either bounds or one_of, not both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise DeclarationInvalid(f"Expect({self.name!r}): at_least is more than at_most")

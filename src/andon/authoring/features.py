"""Features: the values a model and a policy see, beyond the fields of the input itself."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from andon.authoring.errors import DeclarationInvalid

AGGREGATES = ("count", "sum", "mean", "min", "max")

_SPAN = re.compile(r"^([1-9]\d*)([smhd])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Request:
    """A value computed from the input alone by a pure function, e.g. `Request("night", lambda i: i["hour"] < 6)`.

    `compute` gets the validated input as a mapping and returns a number, a string, a boolean or None (missing).
    """

    name: str
    compute: Callable[[Mapping[str, Any]], float | int | str | bool | None]

    @property
    def names(self) -> tuple[str, ...]:
        """The one feature this gives."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Window:
    """Aggregates of a numeric field over the last while, by the value of another: the velocity of an account.

    `over` are spans like "10m", "1h", "24h", "7d". The present input counts as the newest entry of its own window.
    """

    field: str
    by: str
    over: tuple[str, ...]
    aggregates: tuple[str, ...] = ("count", "sum")

    def __post_init__(self) -> None:
        for span in self.over:
            span_of(span)
        for aggregate in self.aggregates:
            if aggregate not in AGGREGATES:
                raise DeclarationInvalid(
                    f"Window({self.field!r}): no aggregate {aggregate!r}; there are {', '.join(AGGREGATES)}"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """The features this gives, e.g. `amount_count_10m`."""
        return tuple(f"{self.field}_{aggregate}_{span}" for span in self.over for aggregate in self.aggregates)


Feature: TypeAlias = Request | Window


def span_of(text: str) -> timedelta:
    """`"10m"` as a timedelta. Raises DeclarationInvalid."""
    match = _SPAN.match(text)
    if match is None:
        raise DeclarationInvalid(f"A span is a number and one of s, m, h, d, like '10m'; got {text!r}")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})

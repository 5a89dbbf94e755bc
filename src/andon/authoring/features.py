"""Features: the values a model and a policy see, beyond the fields of the input itself."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from andon.authoring.errors import DeclarationInvalid

AGGREGATES = ("count", "sum", "mean", "min", "max", "std", "distinct", "last", "since")
"""The aggregates of a window. `last` and `since` (seconds) refer to the entry before the current one."""

OF_NUMBERS = frozenset({"sum", "mean", "min", "max", "std"})
"""The aggregates that need a numeric field."""

_SPAN = re.compile(r"^([1-9]\d*)([smhd])$")
_IDENTIFIER = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Request:
    """A value computed from the input alone by a pure function, e.g. `Request("night", lambda i: i["hour"] < 6)`.

    `compute` receives the validated input as a mapping and returns a number, a string, a boolean or None (missing).
    With `batch=True` it receives the inputs of a whole batch as a list and returns as many values, each as it would be
    alone. With `moment=True` it also receives the moment of the event (the source's time, or when the input arrived) as
    its second argument.
    """

    name: str
    compute: Callable[..., Any]
    batch: bool = False
    moment: bool = False

    def __post_init__(self) -> None:
        if self.batch and self.moment:
            raise DeclarationInvalid(f"Request({self.name!r}): set either batch or moment, not both")

    @property
    def names(self) -> tuple[str, ...]:
        """The one feature that it provides."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Window:
    """Aggregates of a field over a recent span, by the value of another: the velocity of an account.

    `over` lists spans such as "10m", "1h", "24h", "7d". The current input counts as the newest entry of its own window;
    `last` and `since` refer to the entry before it. `name` is the prefix of the features' names (default: the field's
    name).
    """

    field: str
    by: str
    over: tuple[str, ...]
    aggregates: tuple[str, ...] = ("count", "sum")
    name: str = ""

    def __post_init__(self) -> None:
        for span in self.over:
            span_of(span)
        for aggregate in self.aggregates:
            if aggregate not in AGGREGATES:
                raise DeclarationInvalid(
                    f"Window({self.field!r}): unknown aggregate {aggregate!r}; expected one of {', '.join(AGGREGATES)}"
                )

    @property
    def named(self) -> tuple[tuple[str, str, str], ...]:
        """Each feature with its span and aggregate, e.g. `("amount_count_10m", "10m", "count")`."""
        prefix = self.name or self.field
        return tuple(
            (f"{prefix}_{aggregate}_{span}", span, aggregate) for span in self.over for aggregate in self.aggregates
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The features that it provides, e.g. `amount_count_10m`."""
        return tuple(name for name, _, _ in self.named)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Columns of the row of a table or view whose `key` is the value of the field `by`, e.g. a customer's data.

    `table` is in Andon's own database; in another schema than the usual one, it is written as `crm.customers`. `key`
    defaults to the name in `by`. A value may have been read up to `fresh` ago. With `oldest`, a row counts only if its
    column `updated` is no older than that. If no row counts, each column takes its `default`; without one, the decision
    goes to a person.
    """

    table: str
    by: str
    columns: tuple[str, ...]
    key: str = ""
    fresh: str = "1m"
    updated: str = ""
    oldest: str = ""
    default: Mapping[str, float | int | str | bool | None] = field(default_factory=dict, hash=False)
    name: str = ""

    def __post_init__(self) -> None:
        for span in filter(None, (self.fresh, self.oldest)):
            span_of(span)
        for word in (*self.table.split("."), *self.columns, self.key or self.by, self.updated or "updated"):
            if not _IDENTIFIER.match(word):
                raise DeclarationInvalid(f"Lookup({self.table!r}): {word!r} is not a plain name of a table or column")
        if not self.columns:
            raise DeclarationInvalid(f"Lookup({self.table!r}) names no columns")
        if self.oldest and not self.updated:
            raise DeclarationInvalid(
                f"Lookup({self.table!r}): `oldest` needs `updated`, the column with the time at which a row was written"
            )
        for column in self.default:
            if column not in self.columns:
                raise DeclarationInvalid(
                    f"Lookup({self.table!r}): a default for {column!r}, which is not one of its columns"
                )

    @property
    def names(self) -> tuple[str, ...]:
        """The features that it provides, e.g. `customers_segment`."""
        prefix = self.name or self.table.rpartition(".")[2]
        return tuple(f"{prefix}_{column}" for column in self.columns)


Feature: TypeAlias = Request | Window | Lookup


def span_of(text: str) -> timedelta:
    """Return `"10m"` as a timedelta. Raises DeclarationInvalid."""
    match = _SPAN.match(text)
    if match is None:
        raise DeclarationInvalid(f"A span is a number and one of s, m, h, d, such as '10m'; got {text!r}")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})

"""Expectations of values, checked for each decision: a few comparisons per value."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from andon.authoring import EXPECTED, Expect
from andon.features.domain import Row, Value

Holds: TypeAlias = Callable[[Any], bool]

_HOLD, _BREACHED = EXPECTED


class Expectations:
    """The expectations of one automation. Falsy when there are none."""

    def __init__(self, expect: Sequence[Expect]) -> None:
        self._checks = [(one.name, one.missing, holds_of(one)) for one in expect]

    def __bool__(self) -> bool:
        return bool(self._checks)

    def checked(self, inputs: Sequence[Row], rows: Sequence[dict[str, Value]]) -> dict[int, tuple[str, ...]]:
        """Write into each row of features whether all holds, and what does not; the latter by row."""
        breached: dict[int, tuple[str, ...]] = {}
        for number, (given, features) in enumerate(zip(inputs, rows, strict=True)):
            names = self.breached(given, features)
            features[_HOLD] = not names
            features[_BREACHED] = ",".join(names)
            if names:
                breached[number] = names
        return breached

    def breached(self, given: Row, features: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names whose values are not as expected, each once."""
        names: list[str] = []
        for name, missing, holds in self._checks:
            value = features[name] if name in features else given.get(name)
            if (not missing) if value is None or value != value else not holds(value):
                names.append(name)
        return tuple(dict.fromkeys(names)) if names else ()


def holds_of(expect: Expect) -> Holds:
    """Return a check whether a present value is as expected."""
    least, most = expect.at_least, expect.at_most
    if expect.one_of:
        known = frozenset(expect.one_of)
        return lambda value: _plain(value) in known
    if least is None and most is None:
        return lambda _: True
    low = float("-inf") if least is None else least
    high = float("inf") if most is None else most

    def between(value: Any) -> bool:
        try:
            return bool(low <= value <= high)
        except TypeError:  # no number
            return False

    return between


def _plain(value: Any) -> Any:
    value = getattr(value, "value", value)
    return value if isinstance(value, (str, int, float, bool)) else str(value)

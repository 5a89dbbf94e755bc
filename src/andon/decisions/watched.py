"""Kept rows as inputs of a contract: values get their types back, and a look at a field that is not kept is noticed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

from pydantic import BaseModel

from andon.models import ValueUnusable, text_of
from andon.policies import ValueKind, kind_of

_TIMES = (ValueKind.TIME, ValueKind.OPTIONAL_TIME)
_BOOLEANS = (ValueKind.BOOLEAN, ValueKind.OPTIONAL_BOOLEAN)
_NUMBERS = (ValueKind.NUMBER, ValueKind.OPTIONAL_NUMBER)
_STRINGS = (ValueKind.STRING, ValueKind.OPTIONAL_STRING)


class GivenRows:
    """The kept columns that are fields of a contract, `names`; `absent` are its other fields."""

    def __init__(self, contract: type[BaseModel], columns: Mapping[str, Sequence[Any]]) -> None:
        self._columns: dict[str, list[Any]] = {}
        for name, field in contract.model_fields.items():
            column = columns.get(name, columns.get(field.alias or name))
            restored = None if column is None else _restored(field.annotation, column)
            if restored is not None:
                self._columns[name] = restored
        self.names = frozenset(self._columns)
        self.absent = frozenset(contract.model_fields) - self.names

    def inputs(self, places: Sequence[int]) -> list[dict[str, Any]]:
        """Return rows as the contract would have read them."""
        return [{name: column[at] for name, column in self._columns.items()} for at in places]


class WatchedInput(dict[str, Any]):
    """An input that lacks some fields of its contract, and notes in `touched` which of them were asked for."""

    def __init__(self, values: Mapping[str, Any], absent: frozenset[str], touched: set[str]) -> None:
        super().__init__(values)
        self._absent, self._touched = absent, touched

    def __missing__(self, name: str) -> Any:
        self._note(name)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        self._note(name)
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, as a mapping does."""
        self._note(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self._touched |= self._absent
        return super().__iter__()

    def keys(self) -> Any:
        """Return the names, as a mapping does."""
        self._touched |= self._absent
        return super().keys()

    def items(self) -> Any:
        """Return names and values, as a mapping does."""
        self._touched |= self._absent
        return super().items()

    def values(self) -> Any:
        """Return the values, as a mapping does."""
        self._touched |= self._absent
        return super().values()

    def _note(self, name: object) -> None:
        if name in self._absent:
            self._touched.add(str(name))


def _restored(annotation: Any, column: Sequence[Any]) -> list[Any] | None:
    """Return a column with the type of its field; None if a value is not of that type.

    Columns of arrays hold booleans, whole numbers and times as floats.
    """
    kind = kind_of(annotation)
    whole = int in {annotation, *get_args(annotation)} and float not in {annotation, *get_args(annotation)}
    try:
        return [None if value is None else _typed(kind, value, whole=whole) for value in column]
    except (ValueError, TypeError, OverflowError, ValueUnusable):
        return None


def _typed(kind: ValueKind, value: Any, *, whole: bool) -> Any:
    if kind in _BOOLEANS:
        return bool(value) if value in (0, 1) else _refused(value)
    if kind in _NUMBERS:
        number = float(value)
        return int(number) if whole and number.is_integer() else number
    if kind in _TIMES:
        moment = datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return text_of(value) if kind in _STRINGS else value


def _refused(value: Any) -> Any:
    raise ValueError(f"{type(value).__name__} is not a boolean")

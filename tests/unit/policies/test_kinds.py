"""Which kind of value a contract's field gives to conditions."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NewType, Optional
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, PositiveInt, constr

from andon.policies import ValueKind, kind_of
from andon.policies.kinds import kind_of_value


class Color(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Mixed(Enum):
    ONE = 1
    TWO = "two"


class Inner(BaseModel):
    x: int


AccountId = NewType("AccountId", str)


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (float, ValueKind.NUMBER),
        (int, ValueKind.NUMBER),
        (Decimal, ValueKind.NUMBER),
        (int | float, ValueKind.NUMBER),
        (Annotated[float, Field(gt=0)], ValueKind.NUMBER),
        (PositiveInt, ValueKind.NUMBER),
        (Level, ValueKind.NUMBER),
        (Literal[1, 2], ValueKind.NUMBER),
        (str, ValueKind.STRING),
        (AccountId, ValueKind.STRING),
        (UUID, ValueKind.STRING),
        (Color, ValueKind.STRING),
        (Literal["a", "b"], ValueKind.STRING),
        (constr(min_length=1), ValueKind.STRING),
        (bool, ValueKind.BOOLEAN),
        (datetime, ValueKind.TIME),
        (date, ValueKind.TIME),
        (Optional[float], ValueKind.OPTIONAL_NUMBER),  # noqa: UP045 - builders write it so
        (int | None, ValueKind.OPTIONAL_NUMBER),
        (Annotated[str, Field()] | None, ValueKind.OPTIONAL_STRING),
        (Literal["a"] | None, ValueKind.OPTIONAL_STRING),
        (bool | None, ValueKind.OPTIONAL_BOOLEAN),
        (datetime | None, ValueKind.OPTIONAL_TIME),
        (list[str], ValueKind.STRINGS),
        (set[Color], ValueKind.STRINGS),
        (tuple[str, ...], ValueKind.STRINGS),
        (list[float], ValueKind.NUMBERS),
        (dict[str, float], ValueKind.NUMBERS_BY_NAME),
        (list[str] | None, ValueKind.ANY),
        (int | str, ValueKind.ANY),
        (Mixed, ValueKind.ANY),
        (Inner, ValueKind.ANY),
        (list[Inner], ValueKind.ANY),
        (dict[str, Any], ValueKind.ANY),
        (timedelta, ValueKind.ANY),
        (list, ValueKind.ANY),
        (dict, ValueKind.ANY),
        (Any, ValueKind.ANY),
        (None, ValueKind.ANY),
        (type(None), ValueKind.ANY),
    ],
)
def test_the_kind_of_an_annotation(annotation: Any, kind: ValueKind) -> None:
    assert kind_of(annotation) is kind


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1.5, ValueKind.NUMBER),
        ("a", ValueKind.STRING),
        (True, ValueKind.BOOLEAN),
        (None, ValueKind.ANY),
        (["a"], ValueKind.STRINGS),
        ([], ValueKind.ANY),
        ({"a": 1}, ValueKind.ANY),
    ],
)
def test_the_kind_of_a_value_without_a_contract(value: Any, kind: ValueKind) -> None:
    assert kind_of_value(value) is kind

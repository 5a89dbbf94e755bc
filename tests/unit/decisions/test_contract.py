"""A contract takes what JSON can hold and a ledger can keep, and nothing else."""

import json
import math
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from andon.decisions import Contract, InputInvalid, InputMalformed


class Colour(Enum):
    RED = "red"


class Flat(BaseModel):
    name: str
    amount: float
    note: str | None = None


class Rich(BaseModel):
    colour: Colour
    price: Decimal
    day: date
    inner: Flat
    tags: list[Colour] = []
    named: str = Field("x", alias="named-otherwise")


FLAT = Contract(Flat)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
rows = st.fixed_dictionaries({"name": texts, "amount": st.floats(allow_nan=False, allow_infinity=False)})
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | texts | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(rows)
def test_every_row_of_the_contract_is_read_as_it_was_sent(row: dict[str, Any]) -> None:
    assert FLAT.read(json.dumps(row).encode()) == {**row, "note": None}


@given(st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused_in_words(raw: bytes) -> None:
    try:
        values = FLAT.read(raw)
    except (InputInvalid, InputMalformed) as error:
        assert str(error)  # noqa: PT017 - both ways out are right
    else:
        assert math.isfinite(values["amount"])
        assert json.loads(raw, parse_constant=lambda _: pytest.fail("no JSON number was let through"))


def test_what_expressions_do_not_know_becomes_plain() -> None:
    raw = (
        b'{"colour": "red", "price": "1.50", "day": "2026-01-02", "inner": {"name": "n", "amount": 1}, "tags": ["red"]}'
    )
    assert Contract(Rich).read(raw) == {
        "colour": "red",
        "price": 1.5,
        "day": datetime(2026, 1, 2),  # noqa: DTZ001 - a day has no zone
        "inner": {"name": "n", "amount": 1.0, "note": None},
        "tags": ["red"],
        "named": "x",
    }


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    amount: float
    label: str = "red"


class Validated(Closed):
    @field_validator("amount")
    @classmethod
    def coloured(cls, _: float) -> float:
        return cast(float, Colour.RED)


class ValidatedAfter(Closed):
    @model_validator(mode="after")
    def coloured(self) -> "ValidatedAfter":
        self.__dict__["label"] = Colour.RED
        return self


class Begun(Closed):
    def model_post_init(self, context: Any) -> None:
        self.__dict__["label"] = Colour.RED


class Built(Closed):
    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.__dict__["label"] = Colour.RED


class Converted(Closed):
    colour: Annotated[str, AfterValidator(lambda _: Colour.RED)]


class Assumed(Closed):
    colour: str = cast(str, Colour.RED)


class Made(Closed):
    colour: str = Field(default_factory=lambda: cast(str, Colour.RED))


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("model", [Closed, Validated, ValidatedAfter, Begun, Built, Converted, Assumed, Made])
def test_what_a_builders_own_code_makes_of_plain_fields_becomes_plain(model: type[BaseModel]) -> None:
    given = {"amount": 1.0, **({"colour": "green"} if model is Converted else {})}
    read = Contract(model).read(json.dumps(given).encode())
    assert "red" in read.values()
    assert {type(value) for value in read.values()} <= {str, float}


def test_each_wrong_field_is_named() -> None:
    with pytest.raises(InputInvalid) as caught:
        FLAT.read(b'{"amount": "much"}')
    assert [fault.where for fault in caught.value.faults] == ["input.name", "input.amount"]


def test_a_backslash_that_is_no_nul_is_let_through() -> None:
    assert FLAT.read(b'{"name": "\\\\u0000", "amount": 1}')["name"] == "\\u0000"


def test_the_schema_is_the_builders_own() -> None:
    assert FLAT.schema() == Flat.model_json_schema()

"""Numbers and times as text: what SQL reads over a whole column is what a contract reads of one value."""

from datetime import datetime
from typing import Annotated

import duckdb
import pytest
from pydantic import TypeAdapter

from andon import notations
from andon.notations import number_with_comma, number_with_point, time_as

NUMBERS = {
    "1,234.50": 1234.5, "$5": 5, "€ 1 234": 1234, "1'234.5": 1234.5, "1’234": 1234, "12%": 12, "12 %": 12,
    "(1,234)": -1234, "-$5": -5, "$-5": -5, "5 kr.": 5, "Fr. 5.20": 5.2, "5-": -5, "1,23,456": 123456,
    "CHF 1'000.00": 1000, "−3": -3, "5 EUR": 5, "1234": 1234, "(5%)": -5, ".5": 0.5, "R$ 5": 5, "abc": None,
    "1.234,5": None, "5 dogs": None, "12,5": None,
}  # fmt: skip
WITH_COMMA = {"1.234,50": 1234.5, "12,5 %": 12.5, "1 234,5 zł": 1234.5, "(0,5)": -0.5, "1'234,5": 1234.5, "1.50": None}
TIMES = {
    ("2024-01-01T10:00:00+0000", "iso"): 1704103200,
    ("2024-01-01 10:00:00 +02", "iso"): 1704096000,
    ("Tue, 01 Dec 2026 21:59:19 +0100", "rfc-2822"): 1796158759,
    ("1 Dec 2026 21:59 GMT", "rfc-2822"): 1796162340,
    ("2024-W05", "iso-week"): 1706486400,
    ("2024-W05-3", "iso-week"): 1706659200,
    ("2024W053", "iso-week"): 1706659200,
    ("2021-W53", "iso-week"): None,
    ("1704103200", "epoch-s"): 1704103200,
    ("1704103200500", "epoch-ms"): 1704103200.5,
    ("1704103200000001", "epoch-us"): 1704103200.000001,
    ("31/12/2026 13:30", "%d/%m/%Y %H:%M"): 1798723800,
    ("yesterday", "iso"): None,
}


def sql(expression: str, text: str) -> object:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(f"SELECT {expression} FROM (SELECT ? AS c)", [text]).fetchone()
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("text", "mark", "expected"),
    [(text, ".", value) for text, value in NUMBERS.items()]
    + [(text, ",", value) for text, value in WITH_COMMA.items()],
)
def test_a_number_is_read_alike_over_a_column_and_in_a_contract(text: str, mark: str, expected: float | None) -> None:
    read = notations.read_number(text, mark)
    assert (None if read is None else float(read)) == expected
    assert sql(notations.number_sql("c", mark), text) == expected


@pytest.mark.parametrize(("text", "form"), TIMES)
def test_a_time_is_read_alike_over_a_column_and_in_a_contract(text: str, form: str) -> None:
    expected = TIMES[text, form]
    read = notations.read_time(text, form)
    assert (None if read is None else read.timestamp()) == expected
    assert sql(notations.time_sql("c", form), text) == expected


def test_a_contract_takes_numbers_as_they_are_and_as_they_are_written() -> None:
    point, comma = TypeAdapter(Annotated[float, number_with_point]), TypeAdapter(Annotated[int, number_with_comma])
    assert (point.validate_python("$1,234.50"), point.validate_python(1.5), comma.validate_json('"1.234"')) == (
        1234.5,
        1.5,
        1234,
    )


def test_a_contract_takes_epochs_and_iso_times_alike() -> None:
    reader = TypeAdapter(Annotated[datetime, time_as("epoch-ms")])
    same = {reader.validate_python(given) for given in (1704103200000, "1704103200000", "2024-01-01T10:00:00Z")}
    assert len(same) == 1


@pytest.mark.parametrize(
    ("name", "low", "high", "unit"),
    [
        ("created_at", 1.7e9, 1.8e9, "epoch-s"),
        ("eventTime", 1.7e12, 1.8e12, "epoch-ms"),
        ("ts_us", 1.7e15, 1.8e15, "epoch-us"),
        ("amount", 1.7e9, 1.8e9, None),
        ("created_at", 5, 1.8e9, None),
    ],
)
def test_numbers_are_times_if_they_are_named_and_sized_so(name: str, low: float, high: float, unit: str | None) -> None:
    assert notations.epoch_of(name, low, high) == unit

"""Arrays of numbers as they are in memory: what PostgreSQL sends is what it was given, to the last bit."""

import asyncio

import numpy as np
import pytest

from andon.kernel.binary import ENCODERS, numbers_in
from andon.kernel.db import Database

BIGINTS, FLOATS = 1016, 1022
WHOLE = [0, -1, 2**63 - 1, -(2**63), *range(80)]
REAL = [0.1, -0.0, float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308, *(n / 3 for n in range(80))]


@pytest.mark.parametrize(("element", "kind", "values"), [("bigint", ">i8", WHOLE), ("float8", ">f8", REAL)])
def test_what_the_server_sends_is_what_it_was_given(
    database: Database, element: str, kind: str, values: list[int] | list[float]
) -> None:
    async def sent() -> bytes:
        connection = await database.connect()
        found: bytes = await connection.fetchval(f"SELECT array_send($1::{element}[])", values)
        await connection.close()
        return found

    came = asyncio.run(sent())
    assert [repr(value) for value in numbers_in(came, kind).tolist()] == [repr(value) for value in values]


@pytest.mark.parametrize(("oid", "kind", "values"), [(BIGINTS, ">i8", WHOLE), (FLOATS, ">f8", REAL)])
def test_a_column_is_encoded_as_a_list_of_its_numbers_is(oid: int, kind: str, values: list[int] | list[float]) -> None:
    encoded = ENCODERS[oid](np.array(values))
    assert encoded == ENCODERS[oid](values)
    assert numbers_in(encoded, kind).tolist() == values

"""Every statement that records a batch can go the quick way: there is an encoder for each type that it takes."""

import asyncio
import re

import pytest

from andon.decisions.appending import APPEND
from andon.kernel.db import Database


@pytest.mark.parametrize("statement", APPEND.values())
def test_the_parameters_of_a_batchs_statement_can_be_encoded(database: Database, statement: str) -> None:
    async def encoders() -> int:
        one = await database.statements()
        try:
            return len((await one._prepared_for(statement, None)).encoders)
        finally:
            one.close()

    assert asyncio.run(encoders()) == max(int(number) for number in re.findall(r"\$(\d+)", statement))

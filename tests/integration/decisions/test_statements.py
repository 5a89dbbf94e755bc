"""Every statement that records a batch can go the quick way: there is an encoder for each type that it takes."""

import asyncio
import re

import pytest

from andon.decisions.ledger import APPEND
from andon.kernel.db import Database


@pytest.mark.parametrize("kind", APPEND, ids=str)
def test_the_parameters_of_a_batchs_statement_can_be_encoded(database: Database, kind: tuple[bool, ...]) -> None:
    async def encoders() -> int:
        statements = await database.statements()
        try:
            return len((await statements._prepared_for(APPEND[kind])).encoders)
        finally:
            statements.close()

    assert asyncio.run(encoders()) == max(int(number) for number in re.findall(r"\$(\d+)", APPEND[kind]))

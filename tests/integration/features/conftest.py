"""Tiles in PostgreSQL, and in memory."""

import pytest

from andon.features import MemoryTiles
from integration.features.inputs import Store
from integration.features.postgres_tiles import PostgresTiles


@pytest.fixture(params=["postgres", "memory"])
def tiles(request: pytest.FixtureRequest) -> Store:
    return PostgresTiles(request.getfixturevalue("database")) if request.param == "postgres" else MemoryTiles()

"""A model with three versions."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from andon import models
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from packages import a_package

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def registry(database: Database, tmp_path: Path) -> Database:
    """Return a database in which fraud-risk has the versions 1, 2 and 3."""
    with database.begin() as tx:
        for seed in (1, 2, 3):
            package = a_package(tmp_path / str(seed), seed=seed)
            models.register(tx, package, actor=Actor("owner"), events=Events(), reason="test", now=NOW)
    return database

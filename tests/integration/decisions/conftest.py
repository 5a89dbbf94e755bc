"""A database with a champion and the standing automation."""

from pathlib import Path

import pytest

from andon.kernel.db import Database
from lines import Installation, install


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)

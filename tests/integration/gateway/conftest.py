"""A gateway's application over a real database, called without a socket."""

from pathlib import Path

import pytest

from andon.kernel.db import Database
from lines import Installation, install


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)

"""A watched line on a database of its own."""

from pathlib import Path

import pytest

from andon.kernel.db import Database
from watched import WatchedLine


@pytest.fixture
def line(database: Database, tmp_path: Path) -> WatchedLine:
    return WatchedLine(database, tmp_path)

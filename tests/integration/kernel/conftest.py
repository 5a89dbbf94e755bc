"""A place for an embedded PostgreSQL of a test's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from andon.kernel import postgres

collect_ignore = [] if os.geteuid() == 0 else ["test_postgres_as_root.py"]
"""Only root hands the server to another user."""


@pytest.fixture
def place(short_folder: Path) -> Iterator[Path]:
    """Where a server may be made; it is stopped and removed afterwards."""
    place = short_folder / ".andon" / "postgres"
    yield place
    postgres.stop(place)

"""A project with one automation in force."""

from pathlib import Path

import pytest

from andon.kernel.db import Database
from planned import a_project


@pytest.fixture
def project(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the project, in whose folder the commands run."""
    return a_project(database, tmp_path, monkeypatch)

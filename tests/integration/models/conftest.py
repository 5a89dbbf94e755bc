"""Two packed models of one name."""

from pathlib import Path

import pytest

from packages import a_package


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return a_package(tmp_path / "package")


@pytest.fixture
def other_package(tmp_path: Path) -> Path:
    return a_package(tmp_path / "other", seed=2)

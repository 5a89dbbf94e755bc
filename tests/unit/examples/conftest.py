"""The example is a project folder of its own: its modules are found from there."""

import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "transfer_screening"

sys.path.insert(0, str(EXAMPLE))


@pytest.fixture(scope="session")
def example() -> Path:
    """The folder of the transfer screening example."""
    return EXAMPLE

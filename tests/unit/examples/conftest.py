"""The example is a project folder of its own. Only its simulator stays imported: its other modules have names that all projects use."""

import importlib
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from andon import decisions

EXAMPLE = Path(__file__).parents[3] / "examples" / "transfer_screening"

sys.path.insert(0, str(EXAMPLE))
importlib.import_module("simulator")
sys.path.remove(str(EXAMPLE))


@pytest.fixture(scope="session")
def example() -> Path:
    """The folder of the transfer screening example."""
    return EXAMPLE


@pytest.fixture(scope="session")
def contract() -> type[BaseModel]:
    """What a transfer must be."""
    return decisions.load_file(EXAMPLE / "automation.py")[0].contract

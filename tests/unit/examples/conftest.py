"""The example is a project folder of its own.

Only its simulator stays imported: the other names are common to projects.
"""

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
    """Return the folder of the transfer screening example."""
    return EXAMPLE


@pytest.fixture(scope="session")
def contract() -> type[BaseModel]:
    """Return the contract of a transfer."""
    return decisions.load_file(EXAMPLE / "automation.py")[0].contract

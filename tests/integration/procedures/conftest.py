"""A conductor of the procedures in `cases`, whose steps have done nothing yet."""

from collections.abc import Iterator

import pytest

from andon.kernel.db import Database
from andon.procedures.conducting import Conductor
from conducting import conducting

from .cases import SPECS, calls


@pytest.fixture
def conductor(database: Database) -> Iterator[Conductor]:
    calls.made.clear()
    with conducting(database, *SPECS) as conductor:
        yield conductor

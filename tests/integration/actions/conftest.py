"""A receiver and a clock for deliveries."""

from collections.abc import Iterator

import pytest

from integration.actions.delivering import MovedClock
from receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()

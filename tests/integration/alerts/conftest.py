"""Payments, whose alerts a test raises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alarming import a_guarded_automation, all_events
from andon import CordRule
from andon.kernel.db import Database
from andon.kernel.events import Events
from integration.actions.delivering import MovedClock
from lines import Installation, install
from receiver import Receiver

STOPPING = CordRule("drift", level="critical", state="stopped", segment=True)


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    """Payments with a rule for drift, and a checklist."""
    automation = a_guarded_automation(
        STOPPING, CordRule("latency", "warning", segment=False), checklist=("cause found", "owner informed")
    )
    return install(database, tmp_path, automation)


@pytest.fixture
def events() -> Events:
    return all_events()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()

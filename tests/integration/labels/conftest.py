"""An installation whose automation declares its truth."""

from datetime import timedelta
from pathlib import Path

import pytest

from andon import Truth
from andon.kernel.db import Database
from automations import an_automation
from lines import Installation, install

TRUTH = Truth({"pause": "fraud", "release": "ok"}, matures=timedelta(days=30), unreported="ok")


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    automation = an_automation()
    automation.truth = TRUTH
    return install(database, tmp_path, automation)

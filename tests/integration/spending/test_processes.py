"""Several real processes spend one budget at once, one of them is killed with SIGKILL: it is never overspent."""

from pathlib import Path

import pytest
from benchmarks import budget

from andon.kernel.db import Database


@pytest.mark.timeout(180)
def test_a_budget_is_never_overspent_by_many_at_once_though_one_is_killed(database: Database, tmp_path: Path) -> None:
    run = budget.spend_it_all(database, tmp_path, amount=30e-6, kill_at=0.3)
    assert (run.violations, run.left) == (0, 0)
    assert run.used <= run.spent <= 0.99
    assert run.spent > 0.9
    assert run.samples > 20

"""A line whose budget is spent under 64 connections goes on by its fallback, says so, and was never overspent."""

from pathlib import Path

import pytest
from benchmarks.budget_line import spend_on_a_line


@pytest.mark.timeout(240)
def test_when_the_budget_is_spent_the_fallback_decides_and_nothing_fails(short_folder: Path) -> None:
    run = spend_on_a_line(short_folder / "project", amount=2e-6, seconds_after=1.5)
    assert run.missed() == []
    assert 0.5 < run.highest <= 1
    assert run.last > 100

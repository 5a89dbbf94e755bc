"""An experiment from its start to its end: who is better, when it stops by itself, and what becomes of the winner."""

from pathlib import Path

import pytest

from andon import experiments, models
from andon.experiments import ExperimentState
from andon.kernel.db import Database
from andon.models import CHAMPION
from experimenting import ComparedLine
from rolling import a_rolled_line


@pytest.fixture
def compared(database: Database, tmp_path: Path) -> ComparedLine:
    return ComparedLine(a_rolled_line(database, tmp_path))


def champion(compared: ComparedLine) -> int:
    with compared.line.database.begin() as tx:
        return models.by_alias(tx, "fraud-risk", CHAMPION).number


def test_the_worse_arm_is_found_and_nothing_of_it_stays(compared: ComparedLine) -> None:
    compared.start(3, measure="errors", better="lower")
    assert compared.shares == {3: 50.0}
    for _ in range(8):
        compared.line.breaks(3, 0.7)
        compared.line.decide(200)
        if not compared.watch().is_running:
            break
    one = compared.experiment
    assert one.state is ExperimentState.DECIDED, one.why
    assert str(one.winner) == "1"
    assert one.why.startswith("fraud-risk@1 is better: fraud-risk@1 has ")
    assert (compared.shares, champion(compared)) == ({}, 1)

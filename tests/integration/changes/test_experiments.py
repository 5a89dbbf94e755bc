"""An experiment is no change while it tries arms; adopting one is."""

from datetime import datetime

import pytest

from andon import changes, experiments
from andon.changes import ActKind
from andon.experiments import ExperimentWish
from andon.kernel.db import Database
from andon.serving import Candidate
from changing import MODEL, NAME, OLGA, ChangingLine
from integration.changes.march import on


def start(line: ChangingLine, at: datetime) -> None:
    wish = ExperimentWish(NAME, MODEL, [Candidate(2)], "overrides", "lower")
    with line.database.begin() as tx:
        experiments.start(tx, wish, actor=OLGA, reason="which is better", events=line.events, now=at)


def stop(line: ChangingLine, at: datetime) -> None:
    with line.database.begin() as tx:
        experiments.stop(tx, NAME, None, actor=OLGA, reason="seen enough", events=line.events, now=at)


def test_splits_of_an_experiment_are_no_changes_and_one_by_hand_after_it_is(
    database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    line = ChangingLine(database, tmp_path_factory.mktemp("packages"))
    for number in (1, 2):
        line.register(number, on(1, number))
    line.promote(1, on(1, 10))
    line.deploy(1, 1, on(1, 12))
    line.release(1, on(2))
    start(line, on(3))
    stop(line, on(4))
    with line.database.begin() as tx:
        found = changes.account_of(tx, NAME, since=on(1), now=on(5))
    assert found.figures.kinds == {ActKind.RELEASE: 1}
    assert [one.signs for one in found.changes] == [()]
    line.split({"2": 10}, on(6))
    with line.database.begin() as tx:
        found = changes.account_of(tx, NAME, since=on(1), now=on(7))
    assert found.figures.kinds == {ActKind.RELEASE: 1, ActKind.SPLIT: 1}

"""A candidate whose score is for the other class than the champion's gets no traffic, by whatever door it comes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from andon import models, serving
from andon.kernel.db import Database
from andon.models import ScoreReversed
from andon.serving import Candidate
from experimenting import ComparedLine
from packages import a_reversed_package
from rolling import OTTO, RolledLine, a_rolled_line

DOORS: dict[str, Callable[[RolledLine], object]] = {
    "a rollout": lambda line: line.start(4),
    "an experiment": lambda line: ComparedLine(line).start(4),
    "a share of the traffic": lambda line: split(line, {Candidate(4): 10.0}, []),
    "a shadow": lambda line: split(line, {}, [Candidate(4)]),
}


def split(line: RolledLine, shares: dict[Candidate, float], shadows: list[Candidate]) -> None:
    with line.database.begin() as tx:
        serving.set_split(
            tx,
            "payments",
            "fraud-risk",
            shares=shares,
            shadows=shadows,
            actor=OTTO,
            reason="test",
            events=line.events,
            now=line.now,
        )


@pytest.fixture
def line(database: Database, tmp_path: Path) -> RolledLine:
    line = a_rolled_line(database, tmp_path)
    with database.begin() as tx:
        package = a_reversed_package(tmp_path / "reversed")
        reversed_ = models.register(tx, package, actor=OTTO, reason="test", events=line.events, now=line.now)
    assert reversed_.number == 4
    return line


@pytest.mark.parametrize("door", DOORS)
def test_a_reversed_score_gets_no_traffic(line: RolledLine, door: str) -> None:
    with pytest.raises(ScoreReversed, match="rules about the score would be reversed"):
        DOORS[door](line)
    assert {one.prediction.label for one in line.decide(40) if one.prediction} == {"ok", "fraud"}

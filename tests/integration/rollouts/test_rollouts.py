"""A rollout from its start to its end: looked at, grown, promoted or rolled back, each move in one transaction and once."""

from pathlib import Path

import pytest

from andon import models, serving
from andon.kernel.db import Database
from andon.models import CHAMPION
from andon.rollouts import RolloutState
from andon.serving import Candidate
from rolling import RolledLine, a_rolled_line


@pytest.fixture
def line(database: Database, tmp_path: Path) -> RolledLine:
    return a_rolled_line(database, tmp_path)


def shares(line: RolledLine) -> dict[Candidate, float]:
    with line.database.begin() as tx:
        return dict(serving.split_of(tx, "payments", "fraud-risk").shares)


def champion(line: RolledLine) -> int:
    with line.database.begin() as tx:
        return models.by_alias(tx, "fraud-risk", CHAMPION).number


def test_a_good_version_is_promoted_stage_by_stage(line: RolledLine) -> None:
    line.start(2)
    assert (line.rollout.at.is_shadow, shares(line)) == (True, {})
    line.decide(60, shadowed=True)
    line.watch()
    assert shares(line) == {Candidate(2): 5.0}
    seen = [5.0]
    for _ in range(40):
        if line.rollout.state.is_over:
            break
        line.decide(400)
        line.watch()
        seen += [share for share in shares(line).values() if share != seen[-1]]
    assert line.rollout.state is RolloutState.PROMOTED, line.rollout.why
    assert seen == [5.0, 25.0, 50.0]
    assert (champion(line), shares(line)) == (2, {})
    assert line.steps() == ["start", "begin", "advance", "advance", "advance", "promote"]


def test_a_version_that_would_decide_otherwise_gets_no_traffic_at_all(line: RolledLine) -> None:
    line.start(3)
    line.decide(120, shadowed=True)
    line.watch()
    rollout = line.rollout
    assert rollout.state is RolloutState.ROLLED_BACK
    assert "disagreement shows harm" in rollout.why
    assert {one.assignment.version for one in line.decided} == {1}
    assert (champion(line), shares(line)) == (1, {})


def test_a_version_that_begins_to_fail_is_rolled_back_with_the_decisions_that_show_it(line: RolledLine) -> None:
    line.start(2)
    line.decide(60, shadowed=True)
    line.watch()
    line.breaks(2)
    for _ in range(10):
        line.decide(300)
        line.watch()
        if line.rollout.state.is_over:
            break
        line.breaks(2)
    assert line.rollout.state is RolloutState.ROLLED_BACK
    assert "errors shows harm" in line.rollout.why
    failed = {str(one.request.id) for one in line.decided if one.assignment.version == 2 and one.judgement.fallback}
    evidence = line.states()["errors"].evidence["candidate"]
    assert evidence
    assert set(evidence) <= failed
    assert (champion(line), shares(line)) == (1, {})

"""A rollout is one change: from its first traffic, with its promotion, its abort or its rollback."""

from datetime import datetime, timedelta

import pytest

from andon import changes, rollouts
from andon.authoring import RolloutPlan
from andon.changes import ActKind, ChangeAccount, SignKind
from andon.kernel.db import Database, Tx
from andon.kernel.identity import PLATFORM
from andon.rollouts import RolloutWish
from andon.rollouts.moving import RolloutMover
from changing import MODEL, NAME, OLGA, ChangingLine, policy_version
from integration.changes.march import on

NOW = on(16)


def start(line: ChangingLine, at: datetime, version: int | None = None, policy: str = "") -> None:
    wish = RolloutWish(NAME, MODEL, version, policy, RolloutPlan())
    with line.database.begin() as tx:
        rollouts.start(tx, wish, actor=OLGA, reason="a better one", events=line.events, now=at)


def mover(line: ChangingLine, tx: Tx, at: datetime) -> RolloutMover:
    """Return the worker that moves rollouts by itself."""
    return RolloutMover(tx, line.events, at, PLATFORM)


def advance(line: ChangingLine, at: datetime) -> None:
    with line.database.begin() as tx:
        mover(line, tx, at).advance(rollouts.show(tx, NAME).rollout, "no worse", {})


def roll_back(line: ChangingLine, at: datetime) -> None:
    with line.database.begin() as tx:
        mover(line, tx, at).roll_back(rollouts.show(tx, NAME).rollout, "twice the errors", {})


def promote(line: ChangingLine, at: datetime) -> None:
    with line.database.begin() as tx:
        mover(line, tx, at).promote(rollouts.show(tx, NAME).rollout, "no worse", {})


def abort(line: ChangingLine, at: datetime) -> None:
    with line.database.begin() as tx:
        rollouts.abort(tx, NAME, None, actor=OLGA, reason="not now", events=line.events, now=at)


@pytest.fixture(scope="module")
def line(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> ChangingLine:
    line = ChangingLine(module_database, tmp_path_factory.mktemp("packages"))
    for number in (1, 2, 3):
        line.register(number, on(1, number))
    line.promote(1, on(1, 10))
    line.deploy(1, 1, on(1, 12))
    line.release(1, on(2))
    start(line, on(3), version=2)  # only looks on
    advance(line, on(3, 14))  # the first change by a rollout
    advance(line, on(3, 15))  # a larger share
    roll_back(line, on(3, 16))
    start(line, on(4), version=2)
    abort(line, on(4, 13))  # never had traffic: neither a change nor a failure
    start(line, on(5), version=3)
    advance(line, on(5, 13))  # the second
    promote(line, on(6))  # after two days less two hours
    line.pull(on(6, 13))
    line.let_go(on(6, 14))
    line.promote(1, on(7))  # back by hand
    line.publish(2, on(8, 10))
    start(line, on(8), policy=policy_version(2))
    promote(line, on(8, 18))  # the third, from looking on to everything
    start(line, on(15), version=3)
    advance(line, on(15, 13))  # the fourth, under way
    return line


@pytest.fixture(scope="module")
def found(line: ChangingLine) -> ChangeAccount:
    with line.database.begin() as tx:
        return changes.account_of(tx, NAME, since=on(1), now=NOW)


def test_each_rollout_with_traffic_counts_once(found: ChangeAccount) -> None:
    assert found.figures.kinds == {ActKind.RELEASE: 1, ActKind.ROLLOUT: 4}
    made = [(one.at, one.what) for one in reversed(found.changes)][1:]
    assert made == [
        (on(3, 14), "rollout 1: version 2"),
        (on(5, 13), "rollout 3: version 3"),
        (on(8, 18), f"rollout 4: version 1+{policy_version(2)}"),
        (on(15, 13), "rollout 5: version 3"),
    ]


def test_its_lead_time_ends_with_its_promotion(found: ChangeAccount) -> None:
    lead = [one.lead_time for one in reversed(found.changes)]
    assert lead == [timedelta(days=1), None, on(6) - on(1, 3), timedelta(hours=8), None]


def test_rollbacks_by_andon_and_by_hand_are_told_apart(found: ChangeAccount) -> None:
    signs = [[(sign.kind, sign.at) for sign in one.signs] for one in reversed(found.changes)]
    assert signs == [
        [],
        [(SignKind.ROLLED_BACK, on(3, 16))],
        [(SignKind.ROLLED_BACK, on(7)), (SignKind.CORD_PULLED, on(6, 13))],
        [],
        [],
    ]
    assert [one.automatic for one in found.rollbacks] == [False, True]
    assert [one.recovery_time for one in reversed(found.changes) if one.failed] == [
        timedelta(hours=2),
        timedelta(hours=23),
    ]


def test_the_history_names_the_rollout_that_was_under_way(line: ChangingLine) -> None:
    with line.database.begin() as tx:
        then = changes.moment_of_line(tx, NAME, on(3, 15, 30), now=NOW)
        after = changes.moment_of_line(tx, NAME, on(3, 16), now=NOW).line
    assert then.line.rollout is not None
    assert then.line.rollout.what == "rollout 1: version 2"
    assert then.line.shares.keys() == {"1", "2"}
    assert (after.rollout, after.shares.keys()) == (None, {"1"})
    assert then.after[0].what in ("rollout 1 rolled back", "all to the champion")

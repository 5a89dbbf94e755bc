"""An experiment from its start to its end: who is better, when it stops by itself, and what becomes of the winner."""

import time
from datetime import timedelta
from pathlib import Path

import pytest

from andon import BlindAudit, Measure, experiments, labels, measures, models, rollouts, serving
from andon.authoring import RolloutPlan
from andon.decisions import Decision
from andon.experiments import ExperimentState, ExperimentUnderWay, NothingToAdopt
from andon.kernel.db import Database
from andon.labels import LabelSource, TruthReport
from andon.measures import MeasureReport
from andon.models import CHAMPION
from andon.rollouts import RolloutUnderWay, SecondPersonNeeded, TrafficSplitByHand
from experimenting import ComparedLine
from rolling import OTTO, RITA, a_forgiving_line, a_rolled_line

SHORT = timedelta(seconds=2)


@pytest.fixture
def compared(database: Database, tmp_path: Path) -> ComparedLine:
    return ComparedLine(a_rolled_line(database, tmp_path, a_forgiving_line(rollout=RolloutPlan(four_eyes=True))))


def champion(compared: ComparedLine) -> int:
    with compared.line.database.begin() as tx:
        return models.by_alias(tx, "fraud-risk", CHAMPION).number


def decided_against(compared: ComparedLine, broken: int) -> None:
    """Let an arm fail until the experiment has found it out."""
    for _ in range(10):
        compared.line.breaks(broken, 0.7)
        compared.line.decide(200)
        if not compared.watch().is_running:
            break
    assert compared.experiment.state is ExperimentState.DECIDED, compared.experiment.why


def test_the_better_arm_is_found_once_all_traffic_goes_back_and_it_is_adopted_by_somebody_else(
    compared: ComparedLine,
) -> None:
    compared.start(2, measure="errors", better="lower")
    assert compared.shares == {2: 50.0}
    decided_against(compared, 1)
    one = compared.experiment
    assert str(one.winner) == "2"
    assert one.why.startswith("fraud-risk@2 is better: fraud-risk@2 has ")
    assert (compared.shares, champion(compared)) == ({}, 1)
    with pytest.raises(SecondPersonNeeded):
        compared.act(experiments.adopt, actor=OTTO)
    compared.act(experiments.adopt)
    assert (compared.experiment.state, champion(compared)) == (ExperimentState.ADOPTED, 2)
    assert compared.steps() == ["start", "decide", "adopt"]
    with compared.line.database.begin() as tx:
        assert experiments.ended_outcomes(tx) == [("payments", "decided", 1)], "a counter never falls"
    with pytest.raises(NothingToAdopt, match="already adopted"):
        compared.act(experiments.adopt)
    compared.start(3, measure="errors", better="lower")
    decided_against(compared, 3)
    assert str(compared.experiment.winner) == "2"
    with pytest.raises(NothingToAdopt, match="won by the arm that already decides"):
        compared.act(experiments.adopt)


def test_a_killed_worker_loses_no_decision_and_counts_none_twice(compared: ComparedLine) -> None:
    compared.start(2, 3, measure="automatic", better="higher", most_decisions=100)
    compared.line.decide(40)
    compared.watch()
    compared.line.decide(30)
    with compared.line.database.engine.connect() as connection, connection.begin() as transaction:
        compared.look(connection)
        transaction.rollback()
    compared.another_worker()
    compared.watch()
    compared.line.decide(40)
    one = compared.watch()
    made = [sum(each.assignment.version == version for each in compared.line.decided) for version in (1, 2, 3)]
    assert [arm.decisions for arm in compared.estimates.arms] == made
    assert (one.seen, one.state) == (110, ExperimentState.UNDECIDED)
    assert one.why.startswith("110 decisions were made. No arm is shown")


def test_an_account_counts_once_by_its_first_override(compared: ComparedLine) -> None:
    compared.start(2, measure="overrides", better="lower", unit="subject")
    made = compared.line.decide(24, accounts=6)
    compared.watch()
    versions: dict[str, set[int]] = {}
    for one in made:
        versions.setdefault(one.request.input["account"], set()).add(one.assignment.version)
    assert all(len(seen) == 1 for seen in versions.values()), "an account stays on its arm"
    with compared.line.database.begin() as tx:
        for one in made:
            said = "ok" if one.judgement.prediction.label == "fraud" else "fraud"
            labels.record(
                tx,
                decision_id=one.request.id,
                value=said,
                source=LabelSource.REVIEW,
                actor=RITA,
                events=compared.line.events,
                now=compared.line.now,
            )
    compared.watch()
    arms = compared.estimates.arms
    assert sum(arm.decisions for arm in arms) == 24
    of_first = sum(seen == {1} for seen in versions.values())
    assert [arm.units for arm in arms] == [of_first, len(versions) - of_first]
    assert [arm.values for arm in arms] == [arm.units for arm in arms]


def test_wrong_predictions_count_at_their_age_once_for_an_account_among_accounts_that_were_looked_at(
    database: Database, tmp_path: Path
) -> None:
    compared = ComparedLine(a_rolled_line(database, tmp_path, a_forgiving_line(audit=BlindAudit(1.0))))
    compared.start(2, measure="wrong", better="lower")
    made = [one for one in compared.line.decide(40, accounts=20) if one.prediction is not None]
    compared.watch()
    assert [arm.units for arm in compared.estimates.arms] == [0, 0]
    wrong, still_open = made[:4], made[4:6]
    accounts = {one.request.input["account"] for one in made[:10]}

    def actual(one: Decision) -> str | None:
        assert one.prediction is not None
        other = "ok" if one.prediction.label == "fraud" else "fraud"
        return None if one in still_open else other if one in wrong else one.prediction.label

    compared.line.judges((one, actual(one)) for one in made[:10])
    compared.watch()
    compared.another_worker()
    compared.watch()
    arms = compared.estimates.arms
    assert sum(arm.units for arm in arms) == len(accounts)
    assert sum(arm.values for arm in arms) <= len(wrong) + len(still_open)
    assert sum(arm.open for arm in arms) <= len(still_open)
    assert compared.experiment.why.startswith("No arm is shown")


def test_a_measure_that_another_system_reports_counts_once_for_its_decision(database: Database, tmp_path: Path) -> None:
    line = a_forgiving_line(measures=(Measure("amount", "EUR", "input.amount"), Measure("refunded", "EUR")))
    compared = ComparedLine(a_rolled_line(database, tmp_path, line))
    compared.start(2, measure="refunded", better="lower")
    made = compared.line.decide(60)
    compared.watch()
    assert [arm.values for arm in compared.estimates.arms] == [0, 0]

    def report(worth: float, *measured: str) -> None:
        reports = [
            MeasureReport(one.request.id, name, worth * one.assignment.version) for one in made for name in measured
        ]
        with compared.line.database.begin() as tx:
            measures.report(tx, reports, actor=RITA, events=compared.line.events, now=compared.line.now)
        compared.another_worker()
        compared.watch()

    report(10.0, "refunded")
    report(10.0, "refunded")
    report(25.0, "refunded")
    by_version = [[one for one in made if one.assignment.version == version] for version in (1, 2)]
    found = [(arm.values, arm.total) for arm in compared.estimates.arms]
    assert found == [(len(by_version[0]), 10.0 * len(by_version[0])), (len(by_version[1]), 20.0 * len(by_version[1]))]
    with compared.line.database.begin() as tx:
        planned = experiments.plan(
            tx, compared.wish(2, measure="refunded", better="lower"), actor=RITA, reason="x", now=compared.line.now
        )
        assert experiments.forecast(tx, planned, compared.line.now).base == pytest.approx(
            sum(25.0 * one.assignment.version for one in made) / len(made)
        )


def test_a_measure_counts_when_it_is_known_at_once_or_by_its_label_and_never_twice(
    database: Database, tmp_path: Path
) -> None:
    amount, caught = (
        Measure("amount", "EUR", "input.amount"),
        Measure("caught", "EUR", "input.amount", 'label == "fraud"'),
    )
    compared = ComparedLine(a_rolled_line(database, tmp_path, a_forgiving_line(measures=(amount, caught))))
    for name, known_before in (("amount", 30), ("caught", 0)):
        compared.start(2, measure=name, better="higher")
        made = compared.line.decide(30)
        compared.watch()
        assert sum(arm.values for arm in compared.estimates.arms) == known_before
        said = [TruthReport(decision_id=one.request.id, value="fraud", source=LabelSource.EVENT) for one in made]
        with compared.line.database.begin() as tx:
            labels.record_all(tx, said, actor=RITA, events=compared.line.events, now=compared.line.now)
        compared.watch()
        for version, arm in zip((1, 2), compared.estimates.arms, strict=True):
            amounts = [one.request.input["amount"] for one in made if one.assignment.version == version]
            assert (arm.values, arm.total) == (len(amounts), pytest.approx(sum(amounts)))
        compared.act(experiments.stop)


def test_arms_that_nobody_watches_get_no_traffic(database: Database, tmp_path: Path) -> None:
    plan = RolloutPlan(dead_man=SHORT)
    compared = ComparedLine(a_rolled_line(database, tmp_path, a_forgiving_line(rollout=plan)))
    compared.start(2)
    compared.watch(compared.line.now)
    assert {one.assignment.version for one in compared.line.decide(40)} == {1, 2}
    time.sleep(SHORT.total_seconds() + 0.1)
    unwatched = compared.line.decide(40)
    assert {one.assignment.version for one in unwatched} == {1}
    compared.watch(compared.line.now)
    assert {one.assignment.version for one in compared.line.decide(40)} == {1, 2}
    compared.watch()
    assert sum(arm.decisions for arm in compared.estimates.arms) == 80, "what was not drawn compares nothing"


def test_an_automation_has_one_experiment_or_rollout_at_a_time_and_a_split_by_hand_ends_it(
    compared: ComparedLine,
) -> None:
    compared.start(2)
    with pytest.raises(ExperimentUnderWay, match=r"started by otto.*`andon experiment stop payments --number 1"):
        compared.start(3)
    told = r"started by otto: which is better.*`andon experiment stop payments --number 1 --reason"
    with pytest.raises(ExperimentUnderWay, match=told):
        compared.line.start(3)
    compared.act(experiments.stop)
    assert compared.shares == {}
    compared.line.start(3)
    with pytest.raises(RolloutUnderWay, match="`andon rollout abort payments --number 1 --reason"):
        compared.start(2)
    compared.line.act(rollouts.abort)
    one = compared.start(2)
    assert one.number == 2
    with compared.line.database.begin() as tx:
        serving.set_split(
            tx,
            "payments",
            "fraud-risk",
            shares={one.arms[1]: 10.0},
            shadows=[],
            actor=RITA,
            reason="too much for me",
            events=compared.line.events,
            now=compared.line.now,
        )
    ended = compared.watch()
    assert (ended.state, ended.why) == (
        ExperimentState.STOPPED,
        "rita has since split the traffic: too much for me",
    )
    assert compared.shares == {2: 10.0}
    with pytest.raises(TrafficSplitByHand, match=r"by rita: too much for me.*`andon split set payments"):
        compared.line.start(3)  # this split has the experiment's salt, but nobody watches it

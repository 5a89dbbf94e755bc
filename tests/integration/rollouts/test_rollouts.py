"""A rollout from start to end: shadowed, grown, promoted or rolled back, each move in one transaction and once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from andon import alerts, audit, decisions, labels, measures, models, policies, rollouts, serving
from andon.alerts import Alert, AlertSelection
from andon.authoring import BlindAudit, Guardrail, Measure, RolloutPlan
from andon.decisions import Decision, DecisionFilter, DecisionRow
from andon.kernel.db import Database
from andon.kernel.identity import Actor
from andon.labels import LabelSource, TruthReport
from andon.live import Process, Status, report
from andon.measures import MeasureReport
from andon.models import CHAMPION
from andon.reviews import VerdictGiven
from andon.rollouts import (
    Rollout,
    RolloutInvalid,
    RolloutNotThere,
    RolloutOver,
    RolloutState,
    RolloutUnderWay,
    SecondPersonNeeded,
    TrafficSplitByHand,
    counting,
)
from andon.serving import Candidate, ShadowPrediction
from automations import POLICY, a_forgiving_line
from rolling import OTTO, QUICK, RITA, RolledLine, a_rolled_line

THREE_STEPS = replace(QUICK, steps=(20, 50, 100))


@pytest.fixture
def line(database: Database, tmp_path: Path) -> RolledLine:
    return a_rolled_line(database, tmp_path)


def shares(line: RolledLine) -> dict[Candidate, float]:
    with line.database.begin() as tx:
        return dict(serving.split_of(tx, "payments", "fraud-risk").shares)


def champion(line: RolledLine) -> int:
    with line.database.begin() as tx:
        return models.by_alias(tx, "fraud-risk", CHAMPION).number


def test_a_good_version_is_promoted_stage_by_stage_and_once_whatever_is_killed(line: RolledLine) -> None:
    line.start(2)
    assert (line.rollout.at.is_shadow, shares(line)) == (True, {})
    line.decide(60, shadowed=True)
    line.watch()
    assert shares(line) == {Candidate(2): 5.0}
    seen = [5.0]
    for _ in range(40):
        if line.rollout.is_over:
            break
        line.decide(400)
        line.killed_while_it_looks()
        line.watch()
        line.another_worker()
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


def test_a_shadow_that_was_written_late_still_counts_and_a_backlog_is_read_in_parts(
    line: RolledLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "SHADOWS_AT_ONCE", 50)
    line.start(2, plan=replace(QUICK, stage_decisions=10_000))
    made = line.decide(120, shadowed=True)
    with line.database.begin() as tx:
        tx.execute(
            text("CREATE TABLE late AS SELECT * FROM shadow_predictions WHERE decision_id = :id"),
            {"id": made[0].request.id},
        )
        tx.execute(text("ALTER TABLE late DROP COLUMN written_in"))
        tx.execute(text("DELETE FROM shadow_predictions WHERE decision_id IN (SELECT decision_id FROM late)"))
        columns = ", ".join(field.name for field in fields(ShadowPrediction))
    with line.database.engine.connect() as late, late.begin():
        late.execute(text(f"INSERT INTO shadow_predictions ({columns}) SELECT {columns} FROM late"))
        assert line.watch(line.now + timedelta(hours=1)).seen == 119
    assert line.watch().seen == 120


def test_a_version_that_begins_to_fail_is_rolled_back_with_the_decisions_that_show_it(line: RolledLine) -> None:
    line.start(2)
    line.decide(60, shadowed=True)
    line.watch()
    line.breaks(2)
    for _ in range(10):
        line.decide(300)
        line.watch()
        if line.rollout.is_over:
            break
        line.breaks(2)
    assert line.rollout.state is RolloutState.ROLLED_BACK
    assert "errors shows harm" in line.rollout.why
    failed = {str(one.request.id) for one in line.decided if one.assignment.version == 2 and one.judgement.fallback}
    evidence = line.states()["errors"].evidence["candidate"]
    assert evidence
    assert set(evidence) <= failed
    assert (champion(line), shares(line)) == (1, {})


def test_an_abort_needs_no_worker_and_gateways_obey_before_they_rebuild_a_line(line: RolledLine) -> None:
    to_traffic(line)
    with line.database.begin() as tx:
        rollouts.abort(tx, "payments", None, actor=RITA, reason="odd reasons", events=line.events, now=line.now)
    assert line.installation.deployment.lines["payments"].traffic.split.shares
    assert {one.assignment.version for one in line.decide(200)} == {1}
    rollout = line.rollout
    assert (rollout.state, rollout.ended_by, rollout.why) == (RolloutState.ABORTED, "rita", "odd reasons")
    assert shares(line) == {}
    with line.database.begin() as tx:
        entry = audit.page(tx, action="rollout.abort", limit=1)[0]
    assert (entry.leaf.actor, entry.reason) == ("rita", "odd reasons")


def test_of_two_people_at_once_one_wins_and_the_other_is_told(line: RolledLine) -> None:
    def started(_: int) -> str:
        try:
            return f"rollout {line.start(2).number}"
        except RolloutUnderWay as error:
            return str(error)

    with ThreadPoolExecutor(2) as both:
        said = sorted(both.map(started, range(2)))
    assert said[1] == "rollout 1"
    assert said[0].startswith("Rollout 1 of payments is under way, started by otto: better offline.")

    def ended(change: Callable[..., Rollout]) -> str:
        try:
            return line.act(change).state
        except RolloutOver as error:
            return str(error)

    with ThreadPoolExecutor(2) as both:
        said = sorted(both.map(ended, (rollouts.abort, rollouts.promote)), key=len)
    assert said[0] in (RolloutState.ABORTED, RolloutState.PROMOTED)
    assert said[1].startswith(f"Rollout 1 of payments is over: {said[0]} by rita at")


def test_whoever_changes_its_ground_meanwhile_ends_it(line: RolledLine) -> None:
    to_traffic(line)
    with line.database.begin() as tx:
        serving.set_split(
            tx,
            "payments",
            "fraud-risk",
            shares={Candidate(3): 7.0},
            shadows=[],
            actor=RITA,
            reason="mine",
            events=line.events,
            now=line.now,
        )
    assert line.watch().why == "rita has since split the traffic: mine"
    assert shares(line) == {Candidate(3): 7.0}
    with pytest.raises(TrafficSplitByHand, match="version 3: 7 %"):
        line.start(2)


def test_a_new_champion_ends_it(line: RolledLine) -> None:
    to_traffic(line)
    with line.database.begin() as tx:
        models.set_alias(tx, "fraud-risk", CHAMPION, 3, actor=RITA, reason="x", events=line.events, now=line.now)
    ended = line.watch()
    assert (ended.state, ended.why) == (RolloutState.ROLLED_BACK, "The champion of fraud-risk is now version 3")
    assert shares(line) == {}


def test_a_paused_rollout_keeps_its_share_and_harm_still_ends_it(line: RolledLine) -> None:
    to_traffic(line)
    line.act(rollouts.pause)
    line.decide(900)
    assert (line.watch().state, shares(line)) == (RolloutState.PAUSED, {Candidate(2): 20.0})
    line.act(rollouts.resume)
    line.watch()
    assert shares(line) == {Candidate(2): 50.0}
    line.act(rollouts.pause)
    line.breaks(2)
    line.decide(200)
    assert line.watch().state is RolloutState.ROLLED_BACK


def test_with_four_eyes_another_person_approves_and_promotes(line: RolledLine) -> None:
    started = line.start(2, plan=replace(QUICK, approval=True, four_eyes=True))
    assert (started.state, shares(line)) == (RolloutState.AWAITING_APPROVAL, {})
    assert line.watch().state is RolloutState.AWAITING_APPROVAL
    for change in (rollouts.approve, rollouts.promote):
        with pytest.raises(SecondPersonNeeded if change is rollouts.approve else RolloutNotThere):
            line.act(change, actor=OTTO)
    assert line.act(rollouts.approve).state is RolloutState.RUNNING
    with pytest.raises(SecondPersonNeeded, match="otto started rollout 1"):
        line.act(rollouts.promote, actor=Actor("cli:otto"))
    assert line.act(rollouts.promote).state is RolloutState.PROMOTED
    assert champion(line) == 2


def test_a_policy_takes_over_by_itself_and_the_champion_stays(line: RolledLine) -> None:
    text = POLICY.replace("prediction.score < 0.3", "prediction.score < 0.31")
    with line.database.begin() as tx:
        published = policies.publish(
            tx, "payments", policies.parse(text, source="new"), text, actor=OTTO, reason="x", now=line.now
        )
        before = policies.in_force(tx, "payments")
    rollout = line.start(None, policy=published.version, plan=replace(QUICK, steps=(50, 100)))
    assert rollout.arm == f"fraud-risk@1+{published.version}"
    line.decide(60, shadowed=True)
    line.watch()
    line.decide(400)
    assert line.watch().state is RolloutState.PROMOTED, line.rollout.why
    with line.database.begin() as tx:
        in_force = policies.in_force(tx, "payments")
    assert before is not None
    assert in_force is not None
    assert (in_force.version, champion(line)) == (published.version, 1)
    with pytest.raises(RolloutInvalid, match="already decides"):
        line.start(1, policy=published.version)


def said(one: Decision) -> str:
    """Return the class that a decision predicted."""
    return "" if one.prediction is None else one.prediction.label


def other(one: Decision) -> str:
    """Return the class that a decision did not predict."""
    return "ok" if said(one) == "fraud" else "fraud"


def test_wrong_predictions_among_decisions_that_somebody_looked_at_roll_back(
    database: Database, tmp_path: Path
) -> None:
    line = a_rolled_line(database, tmp_path, a_forgiving_line(audit=BlindAudit(1.0)))
    to_traffic(line)
    made = line.decide(300)
    line.watch()
    line.judges((one, other(one) if one.assignment.version == 2 else said(one)) for one in made[:150])
    ended = line.watch()
    assert ended.state is RolloutState.ROLLED_BACK
    assert "wrong shows harm (wrong predictions among decisions that somebody looked at)" in ended.why
    state = line.states()["wrong"]
    assert state.candidate.units == state.candidate.total > 10
    assert (state.control.total, state.control.open) == (0, 0)


def test_verdicts_that_are_still_open_speak_neither_for_harm_nor_for_the_candidate(
    database: Database, tmp_path: Path
) -> None:
    line = a_rolled_line(database, tmp_path, a_forgiving_line(audit=BlindAudit(1.0)))
    to_traffic(line)
    made = line.decide(300)
    line.judges((one, None if one.assignment.version == 2 else said(one)) for one in made)
    assert line.watch().state is RolloutState.RUNNING
    state = line.states()["wrong"]
    assert state.candidate.open == state.candidate.units > 10
    assert (state.candidate.total, state.control.open) == (0, 0)
    assert "100" not in state.shown


def test_labels_show_that_a_version_which_only_looks_on_would_be_wrong(database: Database, tmp_path: Path) -> None:
    line = a_rolled_line(database, tmp_path, a_forgiving_line(audit=BlindAudit(1.0)))
    line.start(3, plan=replace(QUICK, off=(*QUICK.off, "disagreement"), stage_decisions=10_000))
    made = line.decide(120, shadowed=True)
    assert line.watch().state is RolloutState.RUNNING
    line.judges((one, said(one)) for one in made)
    ended = line.watch()
    assert ended.state is RolloutState.ROLLED_BACK
    assert "wrong shows harm" in ended.why
    assert {one.assignment.version for one in line.decided} == {1}
    state = line.states()["wrong"]
    assert state.pairs.champion > 10
    assert state.pairs.candidate == 0
    assert set(state.evidence["candidate"]) <= {str(one.request.id) for one in made}


@pytest.mark.parametrize("named", [False, True])
def test_overrides_by_reviewers_inform_and_roll_back_only_where_a_plan_names_them(
    line: RolledLine, *, named: bool
) -> None:
    to_traffic(line, plan=replace(THREE_STEPS, guardrails=[Guardrail("overrides")] if named else []))
    made = line.decide(300)
    line.watch()
    with line.database.begin() as tx:
        for one in made[:70]:
            assert one.prediction is not None
            label = other(one) if one.assignment.version == 2 else one.prediction.label
            given = VerdictGiven(
                uuid4(), one.request.id, "payments", "pause", "rita", "looked at it", label, at=line.now
            )
            line.events.publish(tx, given)
    ended = line.watch()
    assert line.states()["overrides"].candidate.units > 5
    assert (ended.state is RolloutState.ROLLED_BACK) == named, ended.why


def test_business_measures_are_compared_at_once_or_when_their_label_is_known(
    database: Database, tmp_path: Path
) -> None:
    declared = (
        Measure("amount", "EUR", "input.amount"),
        Measure("caught", "EUR", "input.amount", 'outcome == "pause" && label == "fraud"'),
    )
    guarded = [Guardrail("amount"), Guardrail("caught", better="higher")]
    line = a_rolled_line(database, tmp_path, a_forgiving_line(measures=declared))
    to_traffic(line, plan=replace(THREE_STEPS, guardrails=guarded, unit="subject"))
    made = line.decide(300)
    line.watch()
    states = line.states()
    assert states["amount"].candidate.units + states["amount"].control.units == accounts_of(made)
    assert states["caught"].candidate.units == 0
    with line.database.begin() as tx:
        said = [TruthReport(decision_id=one.request.id, value="fraud", source=LabelSource.EVENT) for one in made]
        labels.record_all(tx, said, actor=RITA, events=line.events, now=line.now)
    line.watch()
    caught = line.states()["caught"]
    expected = sum(
        one.request.input["amount"] for one in firsts(made) if one.outcome == "pause" and one.assignment.version == 2
    )
    assert caught.candidate.units + caught.control.units == accounts_of(made)
    assert caught.candidate.total == pytest.approx(expected)


def test_what_other_systems_report_is_counted_once_for_the_decision_that_it_is_about(
    database: Database, tmp_path: Path
) -> None:
    line = a_rolled_line(database, tmp_path, a_forgiving_line(measures=(Measure("refunded", "EUR"),)))
    guarded = replace(
        QUICK, steps=(50, 100), guardrails=[Guardrail("refunded", required=True), Guardrail("latency-p99")]
    )
    with pytest.raises(RolloutInvalid, match=r"no guardrail 'refund'; there are: errors, .*latency-p99, refunded"):
        line.start(2, plan=replace(guarded, guardrails=[Guardrail("refund")]))
    line.start(2, plan=replace(guarded, stage_decisions=60))
    before = line.decide(60, shadowed=True)
    line.watch()
    made = line.decide(500)

    def report(some: list[Decision], euros: float, more: float) -> None:
        with line.database.begin() as tx:
            values = [
                MeasureReport(one.request.id, "refunded", euros + more * (one.assignment.version == 2) + n % 7)
                for n, one in enumerate(some)
            ]
            measures.report(tx, values, actor=RITA, events=line.events, now=line.now)

    report([*before, *made[:90]], 10.0, 0.0)  # before the worker has seen the decisions
    line.watch()
    line.killed_while_it_looks()
    counted = line.states()["refunded"]
    assert (counted.candidate.units + counted.control.units, counted.harmed) == (90, False)
    assert line.states()["latency-p99"].candidate.units == sum(one.assignment.version == 2 for one in made)
    report(made[:90], 1000.0, 0.0)  # a correction is not counted again
    line.watch()
    assert line.states()["refunded"].candidate == counted.candidate
    report(made[90:], 10.0, 30.0)
    ended = line.watch()
    assert ended.state is RolloutState.ROLLED_BACK
    assert "refunded shows harm (the measure refunded)" in ended.why
    assert set(line.states()["refunded"].evidence["candidate"]) <= {str(one.request.id) for one in made}


def test_a_version_that_answers_later_is_rolled_back_by_the_quantile_of_its_latency(line: RolledLine) -> None:
    to_traffic(line, plan=replace(THREE_STEPS, guardrails=[Guardrail("latency-p50", margin=0.5)]))
    line.slows(2, 1.5)
    made = line.decide(400)
    ended = line.watch()
    assert ended.state is RolloutState.ROLLED_BACK
    assert "latency-p50 shows harm (the latency that 50% of answers meet)" in ended.why
    candidate = {str(one.request.id) for one in made if one.assignment.version == 2}
    named = line.states()["latency-p50"].evidence["candidate"]
    assert len(named) == 40
    assert set(named) <= candidate


def test_a_forecast_reads_what_lately_was_decided_labelled_overridden_and_reported(
    database: Database, tmp_path: Path
) -> None:
    declared = (Measure("refunded", "EUR"), Measure("amount", "EUR", "input.amount"))
    line = a_rolled_line(database, tmp_path, a_forgiving_line(measures=declared))
    made = line.decide(120)
    guarded = [Guardrail(name) for name in ("refunded", "amount", "latency-p50")]
    with line.database.begin() as tx:
        none = rollouts.forecast(tx, "payments", RolloutPlan(guardrails=guarded), line.now)
        values = [MeasureReport(one.request.id, "refunded", float(n % 5)) for n, one in enumerate(made[:30])]
        measures.report(tx, values, actor=RITA, events=line.events, now=line.now)
        known = [TruthReport(decision_id=one.request.id, value="ok", source=LabelSource.EVENT) for one in made[:60]]
        labels.record_all(tx, known, actor=RITA, events=line.events, now=line.now)
        for one in made[60:70]:
            given = VerdictGiven(
                uuid4(), one.request.id, "payments", "pause", "rita", "looked at it", "ok", at=line.now
            )
            line.events.publish(tx, given)
        found = rollouts.forecast(tx, "payments", RolloutPlan(guardrails=guarded), line.now)
    assert none.notes == ()
    assert {one.guardrail for one in none.guardrails} == {
        "errors",
        "slow",
        "expected-error",
        "cost",
        "amount",
        "latency-p50",
    }
    each = {one.guardrail: one for one in found.guardrails}
    assert each["refunded"].base == pytest.approx(2.0)
    assert each["amount"].base == pytest.approx(sum(one.request.input["amount"] for one in made) / 120, rel=1e-6)
    judged = [one.prediction for one in made[:70] if one.prediction is not None]
    brier = [(one.confidence - (one.label == "ok")) ** 2 for one in judged]
    assert each["calibration"].base == pytest.approx(sum(brier) / 70)
    latencies = sorted(one.latency_us for one in decided_rows(line))
    assert latencies[55] / 1e6 / 1.06 < each["latency-p50"].base < latencies[64] / 1e6 * 1.06
    assert [note.partition(" ")[0] for note in found.notes] == ["wrong"]


def decided_rows(line: RolledLine) -> list[DecisionRow]:
    with line.database.begin() as tx:
        return decisions.page(tx, DecisionFilter(automation="payments"), limit=1_000)


def test_a_rollback_opens_one_alert_that_ends_when_it_is_acknowledged_or_the_next_starts(line: RolledLine) -> None:
    def rolled_back() -> Alert:
        line.start(3)
        line.decide(120, shadowed=True)
        line.killed_while_it_looks()
        line.watch()
        with line.database.begin() as tx:
            (found,) = alerts.page(tx, AlertSelection(monitors=("rollout",), states=alerts.UNRESOLVED))
            return alerts.get(tx, found.id)

    alert, shown = rolled_back(), line.states()["disagreement"].evidence["candidate"]
    assert alert.title == "rollout: payments"
    assert alert.message.startswith(f"Rollout 1 of {line.rollout.arm} was rolled back: disagreement shows harm")
    assert ", bound " in alert.message
    detail = alert.findings[0].detail
    assert (detail["rollout"], detail["guardrail"], detail["decisions"]) == (1, "disagreement", shown)
    assert alert.count == 1
    with line.database.begin() as tx:
        ended = alerts.acknowledge(tx, alert.id, actor=RITA, events=line.events, now=line.now, comment="on it")
    assert (ended.resolved_by, ended.resolution) == ("rita", "on it")
    again = rolled_back()
    assert again.id != alert.id
    line.start(2)
    with line.database.begin() as tx:
        assert alerts.get(tx, again.id).resolution == "Rollout 3 was started"
    line.act(rollouts.abort)
    with line.database.begin() as tx:
        assert alerts.page(tx, AlertSelection(monitors=("rollout",), states=alerts.UNRESOLVED)) == []


def firsts(made: list[Decision]) -> list[Decision]:
    """Return the first decision of each account."""
    first: dict[str, Decision] = {}
    for one in made:
        first.setdefault(one.request.input["account"], one)
    return list(first.values())


def accounts_of(made: list[Decision]) -> int:
    return len(firsts(made))


def test_accounts_count_once_however_often_they_come(line: RolledLine) -> None:
    to_traffic(line, plan=replace(THREE_STEPS, unit="subject"))
    for _ in range(3):
        line.decide(200, accounts=40)
        line.watch()
    state = line.states()["errors"]
    assert state.candidate.decisions + state.control.decisions >= 600
    candidates = {one.request.input["account"] for one in line.decided if one.assignment.version == 2}
    assert state.first == (len(candidates), 0)


def test_a_process_that_cannot_follow_ends_it(line: RolledLine) -> None:
    to_traffic(line)
    process = Process(
        uuid4(), "gateway", "here", 7, "0", line.now, line.now + timedelta(seconds=9),
        Status(2.0, behind={"payments": "The model cannot be loaded here"}),
    )  # fmt: skip
    with line.database.begin() as tx:
        report(tx, process)
    ended = line.watch(line.now + timedelta(seconds=10))
    assert ended.why == "The gateway here/7 cannot follow: The model cannot be loaded here"
    assert shares(line) == {}


def to_traffic(line: RolledLine, plan: RolloutPlan = THREE_STEPS) -> None:
    """Version 2 has looked on and answers for a fifth."""
    line.start(2, plan=replace(plan, stage_decisions=30))
    line.decide(60, shadowed=True)
    line.watch()
    assert shares(line) == {Candidate(2): 20.0}, line.rollout.why

"""Gates as candidates: they take a share, take over once and for good, and are never wider than proven."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from andon import audit, cord, decisions, gates, models, rollouts, serving
from andon.access import Grant, Role
from andon.authoring import MaxError
from andon.changes import account_of, moment_of_line
from andon.cord import LineState
from andon.decisions import Decision, Line
from andon.gates import WHOLE, GateInvalid, GateRevision, ProvenGate
from andon.kernel.db import Database
from andon.rollouts import Rollout, RolloutInvalid, RolloutState
from automations import a_forgiving_line
from calls import call
from meanwhile import transactions_beside
from proving import POLICY
from rolling import AHEAD, QUICK, RITA, RolledLine, a_rolled_line

PROVEN, CHOSEN, NARROWED = 0.75, 0.9, 0.99
"""Thresholds: proven by held-out rows, asked for by a candidate, and set by a person before."""

HALF = replace(QUICK, steps=(50, 100), off=(*QUICK.off, "disagreement"))


@pytest.fixture
def line(database: Database, tmp_path: Path) -> RolledLine:
    return a_rolled_line(database, tmp_path, a_forgiving_line(risk=MaxError(0.1), policy=POLICY))


def champion_arm(line: RolledLine) -> str:
    return line.installation.deployment.lines["payments"].traffic.champion.name


def holding(line: RolledLine) -> GateRevision:
    """Return the gate in force of the champion's arm."""
    with line.database.begin() as tx:
        found = gates.arm_revisions(tx, "payments", champion_arm(line), line.now).in_force(WHOLE, line.now)
    assert found is not None
    return found


def narrow(line: RolledLine, threshold: float, reason: str) -> None:
    arm = champion_arm(line)
    with line.database.begin() as tx:
        gates.narrow(
            tx, "payments", arm, threshold=threshold, actor=RITA, reason=reason, events=line.events, now=line.now
        )


def to_traffic(line: RolledLine, gate: float = CHOSEN) -> None:
    """Advance the candidate, the champion under another gate, from shadow to half of the traffic."""
    line.start(None, gate=gate, plan=HALF)
    line.decide(60, shadowed=True)
    line.watch()
    assert line.rollout.at.share == 50.0, line.rollout.why


def of_arm(made: list[Decision], arm: str) -> list[Decision]:
    return [one for one in made if one.line.arm == arm]


def automatic(made: list[Decision]) -> float:
    return sum(one.judgement.risk.certain for one in made) / len(made)


def test_a_gate_takes_over_once_in_place_of_a_narrower_one_and_is_told_apart_everywhere(line: RolledLine) -> None:
    narrow(line, NARROWED, "careful at first")
    before = champion_arm(line)
    to_traffic(line)
    assert line.rollout.arm == f"{before}~0.9"
    grown_at = line.rollout.stage_at
    made = line.decide(400)
    own, others = of_arm(made, f"{before}~0.9"), of_arm(made, before)
    assert len(own) + len(others) == 400
    assert {one.judgement.risk.threshold for one in own} == {CHOSEN}
    assert {one.judgement.risk.threshold for one in others} == {NARROWED}
    assert all(one.judgement.risk.certain == (one.prediction.confidence >= CHOSEN) for one in own if one.prediction)
    assert automatic(own) > automatic(others)
    line.killed_while_it_looks()
    assert line.watch().state is RolloutState.PROMOTED, line.rollout.why
    line.another_worker()
    line.watch()
    held = holding(line)
    assert (held.arm, held.threshold, held.by, held.source) == (before, CHOSEN, "andon", "rollout 1 of payments")
    assert line.steps().count("promote") == 1
    assert held.reason.startswith("rollout 1 of payments: ")
    assert {one.judgement.risk.revision for one in line.decide(20)} == {held.revision}
    with line.database.begin() as tx:
        kept = [one for one in gates.page(tx, "payments") if one.source]
        entry = audit.page(tx, action="gate.revise", limit=1)[0]
        after = line.now + 2 * AHEAD
        then, now = (moment_of_line(tx, "payments", at, now=after) for at in (grown_at, after))
        changes = account_of(tx, "payments", since=line.now - timedelta(hours=1), now=after).changes
        recorded = decisions.following(tx, "payments", made[0].request.asked_at, line.now, limit=1000)
    assert {one.row.arm for one in recorded} == {before, f"{before}~0.9"}
    assert [(one.arm, one.threshold) for one in kept] == [(before, CHOSEN), (f"{before}~0.9", CHOSEN)]
    assert entry.leaf.actor == "andon"
    assert {one.arm: one.threshold for one in then.line.gates} == {before: NARROWED, f"{before}~0.9": CHOSEN}
    assert {one.arm: one.revision for one in now.line.gates} == {before: held.revision}
    assert "rollout 1 of version 1~0.9 started" in [act.what for act in now.before]
    assert [one.kind for one in changes] == ["rollout", "gate", "release"]
    assert changes[0].ready_at == line.rollout.created_at

    def by(_: object) -> Line:
        return line.installation.deployment.lines["payments"]

    replayed = decisions.replay(recorded, by, lambda _: None)
    assert (replayed.compared, replayed.identical) == (len(recorded), len(recorded))


def test_a_gate_below_what_is_proven_is_refused_and_the_proven_threshold_is_named(line: RolledLine) -> None:
    with pytest.raises(GateInvalid, match=r"Expected at least 0\.75, which is proven for fraud-risk@1\+") as refused:
        line.start(None, gate=0.7)
    assert [fault.where for fault in refused.value.faults] == ["gate"]
    for version, gate in ((2, 0.7), (None, 0.1234567), (None, PROVEN)):
        with pytest.raises((GateInvalid, RolloutInvalid)) as refused:
            line.start(version, gate=gate)
        assert [fault.where for fault in refused.value.faults] == ["gate"]
    with line.database.begin() as tx:
        assert rollouts.page(tx, ["payments"]) == []


def test_what_is_proven_meanwhile_and_what_people_ask_for_meanwhile_hold_for_the_candidate_too(
    line: RolledLine,
) -> None:
    to_traffic(line)
    arm, candidate = champion_arm(line), line.rollout.arm
    with line.database.begin() as tx:
        proven = ProvenGate("payments", arm, 1, 0.96, 0.1, 0.95, {"sentence": "more errors"})
        gates.prove(tx, proven, reason="more errors", events=line.events, now=line.now)
    assert {one.judgement.risk.threshold for one in of_arm(line.decide(100), candidate)} == {0.96}
    narrow(line, NARROWED, "until it is known why")
    assert {one.judgement.risk.threshold for one in line.decide(100)} == {NARROWED}
    line.act(rollouts.promote)
    assert (holding(line).threshold, holding(line).reason) == (NARROWED, "until it is known why")
    with line.database.begin() as tx:
        kept = [(one.threshold, one.by) for one in gates.page(tx, "payments") if one.source and one.arm == arm]
        assert len(gates.made_by_people(tx, "payments")) == 1
    assert kept == [(NARROWED, "rita"), (CHOSEN, "rita")]


def test_an_abort_leaves_the_gate_and_shadows_may_differ_in_their_gate_only(line: RolledLine) -> None:
    before = holding(line)
    started = line.start(None, gate=NARROWED, plan=replace(HALF, kind="shadow", steps=()))
    made = line.decide(120, shadowed=True)
    with line.database.begin() as tx:
        said, _ = serving.said_after(tx, "payments", started.arm, 0, limit=500)
    confident = {one.request.id: one.prediction.confidence for one in made if one.prediction is not None}
    assert {one.line.arm for one in made} == {before.arm}
    assert all((one.outcome == "review") == (confident[one.decision_id] < NARROWED) for one in said)
    assert len(said) == 120
    assert line.watch().state is RolloutState.COMPLETED
    assert holding(line) == before
    to_traffic(line)
    line.act(rollouts.abort)
    assert holding(line) == before


def test_a_split_by_hand_may_name_a_gate_that_is_proven(line: RolledLine) -> None:
    key = line.installation.key("otto", Grant(Role.OPERATOR, "payments"))

    def put(candidate: str) -> httpx.Response:
        body = {"shares": {candidate: 50}, "reason": "which confidence?"}
        return call(line.installation, "PUT", "/v1/automations/payments/split", key, json=body)

    refused = put("2~0.3")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "gate")
    assert put("1~0.9").json()["split"]["shares"] == {"1~0.9": 50.0}
    line.installation.deployment.refresh()
    arm = f"{champion_arm(line)}~0.9"
    assert {one.judgement.risk.threshold for one in of_arm(line.decide(60), arm)} == {CHOSEN}
    with line.database.begin() as tx:
        assert [(one.arm, one.source) for one in gates.page(tx, "payments") if one.source] == [(arm, "split")]
    with pytest.raises(GateInvalid, match="It has a gate of its own"), line.database.begin() as tx:
        gates.narrow(tx, "payments", arm, threshold=2, actor=RITA, reason="x", events=line.events, now=line.now)


@pytest.mark.parametrize("change", [rollouts.approve, rollouts.promote])
def test_a_person_who_pulls_the_cord_meets_a_candidate_whose_gate_is_given_or_kept(
    line: RolledLine, change: Callable[..., Rollout]
) -> None:
    line.start(2, gate=CHOSEN, plan=replace(HALF, approval=change is rollouts.approve))
    given: dict[str, Any] = {"reason": "now", "events": line.events, "now": line.now}
    with transactions_beside(line.database) as beside:
        with line.database.begin() as tx:
            cord.hold(tx, "payments")
            moving = beside(lambda other: change(other, "payments", None, actor=RITA, **given))
            cord.pull(tx, "payments", state=LineState.STOPPED, segment={}, actor=RITA, **given)
        moving.result(timeout=30)


def test_a_plan_that_sets_the_champion_meets_a_rollout_that_ends(line: RolledLine) -> None:
    """A plan takes the alias before the gates, and so does the rollout, which changes both."""
    line.start(2, gate=CHOSEN, plan=HALF)
    with transactions_beside(line.database) as beside:
        with line.database.begin() as tx:
            models.hold(tx, "fraud-risk")
            promoting = beside(
                lambda other: rollouts.promote(
                    other, "payments", None, actor=RITA, reason="now", events=line.events, now=line.now
                )
            )
            gates.hold(tx, "payments")
        promoting.result(timeout=30)

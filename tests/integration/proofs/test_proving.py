"""Labels go in, gate revisions come out: from real decisions on a real ledger."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from andon import MaxCost, MaxError, Truth, labels, proofs
from andon.gates import LAPSE, NOTHING, WHOLE, GateRevised, Origin
from andon.kernel.clock import SystemClock
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.labels import LabelSource
from andon.proofs import proving, service
from andon.proofs.chores import chores
from lines import OWNER, install, register_champion
from packages import a_package
from proving import DUE, GatedLine, a_gated, a_gated_line, rightly, wrongly


@pytest.fixture
def line(database: Database, tmp_path: Path) -> GatedLine:
    return a_gated_line(database, tmp_path, MaxError(0.1))


def test_labels_widen_the_gate_for_a_day_and_the_revision_says_why(line: GatedLine) -> None:
    held_out, made = line.revisions().held_out[""], line.decide(600)
    line.label(made, rightly)
    now = line.installation.clock.now() + DUE
    line.prove(now)
    live = line.revisions().live[WHOLE]
    assert live.threshold < held_out.threshold
    assert live.expires_at is not None
    assert timedelta(hours=23) < live.expires_at - now <= timedelta(hours=24)
    assert live.evidence["share"] > 0.9
    assert live.evidence["labels"] == 600
    assert live.sentence.startswith("100% automatic; error of the automatic part ")
    assert "at most" in live.sentence
    assert live.sentence.endswith("with 95% confidence, target 10%; 600 labels and 150 held-out rows")
    assert all(one.judgement.risk.certain for one in line.decide(20))
    assert {one.judgement.risk.revision for one in line.decide(20)} == {live.revision}


def test_few_labels_widen_nothing_and_make_no_revision(line: GatedLine) -> None:
    line.label(line.decide(10), rightly)
    line.prove()
    assert line.revisions().live == {}


def test_a_renewal_comes_before_the_gate_would_fall_back_and_none_before_it_is_due(line: GatedLine) -> None:
    line.label(line.decide(600), rightly)
    line.prove()
    first, now = line.revisions().live[WHOLE], line.installation.clock.now()
    line.prove(now + timedelta(hours=6))
    assert line.revisions().live[WHOLE].revision == first.revision
    line.prove(now + timedelta(hours=13))
    renewed = line.revisions().live[WHOLE]
    assert (renewed.threshold, renewed.reason) == (first.threshold, "labels: the same is still proven")
    assert renewed.expires_at is not None
    assert renewed.expires_at >= now + timedelta(hours=37)


def test_with_the_worker_down_the_gate_falls_back_to_held_out_evidence_and_at_last_to_people(line: GatedLine) -> None:
    line.label(line.decide(600), rightly)
    line.prove()
    there, now = line.revisions(), line.installation.clock.now()
    later = [there.in_force(WHOLE, now + span) for span in (timedelta(), timedelta(hours=25), LAPSE + timedelta(1))]
    assert [one.origin for one in later if one] == [Origin.LIVE, Origin.HELD_OUT, Origin.LIVE]
    assert [one.threshold for one in later if one] == [
        there.live[WHOLE].threshold,
        there.held_out[""].threshold,
        NOTHING,
    ]


def test_a_line_that_had_lapsed_is_won_back_by_new_labels(line: GatedLine) -> None:
    line.label(line.decide(600), rightly)
    line.prove()
    later = line.installation.clock.now() + LAPSE + timedelta(days=1)
    line.prove(later)
    lapsed = line.revisions(later).in_force(WHOLE, later)
    assert lapsed is not None
    assert lapsed.threshold == NOTHING
    line.label(line.decide(60), rightly)
    line.prove(later)
    again = line.revisions(later).in_force(WHOLE, later)
    assert again is not None
    assert again.threshold < NOTHING


def test_labels_that_stopped_coming_renew_nothing(line: GatedLine) -> None:
    line.label(line.decide(600), rightly)
    line.prove()
    first = line.revisions().live[WHOLE]
    line.prove(line.installation.clock.now() + timedelta(days=15))
    assert line.revisions().live[WHOLE].revision == first.revision


def test_when_the_error_rises_the_region_shrinks_at_once(line: GatedLine) -> None:
    line.label(line.decide(600), rightly)
    line.prove()
    before = line.revisions().live[WHOLE]
    line.label(line.decide(100), wrongly)
    line.prove()
    after = line.revisions().live[WHOLE]
    assert (after.threshold, after.expires_at) == (NOTHING, None)
    assert after.revision > before.revision
    assert after.sentence.startswith("nothing automatic: the error rose, unless new labels refute it; target 10%")
    assert {one.outcome for one in line.decide(20)} == {"review"}


def test_reviews_that_do_not_confirm_a_break_give_the_earlier_evidence_back(line: GatedLine) -> None:
    line.label(line.decide(600), rightly)
    line.prove()
    before = line.revisions().live[WHOLE]
    line.label(line.decide(40), wrongly)
    line.prove()
    assert line.revisions().live[WHOLE].sentence.endswith("since the error rose")
    reviewed = line.decide(300)
    assert {one.outcome for one in reviewed} == {"review"}
    line.label(reviewed, rightly)
    line.prove()
    after = line.revisions().live[WHOLE]
    assert after.threshold == before.threshold
    assert "; 940 labels and 150 held-out rows" in after.sentence


def test_a_corrected_label_takes_its_proof_back(line: GatedLine) -> None:
    made = line.decide(600)
    line.label(made, rightly)
    line.prove()
    assert line.revisions().live[WHOLE].threshold < NOTHING
    with line.database.begin() as tx:
        for one in made[:200]:
            (label,) = labels.of_decision(tx, one.request.id)
            labels.correct(
                tx,
                label.id,
                decision_id=one.request.id,
                value=wrongly(one),
                reason="the wrong file",
                actor=OWNER,
                events=Events(),
                now=line.installation.clock.now(),
            )
    line.prove()
    assert line.revisions().live[WHOLE].threshold == NOTHING


def test_what_a_killed_worker_had_begun_is_done_again_and_nothing_twice(line: GatedLine) -> None:
    line.label(line.decide(300), rightly)
    with line.database.engine.connect() as connection, connection.begin() as transaction:
        line.step(connection)
        transaction.rollback()
    line.prove()
    line.prove()
    with line.database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM evidence_cases WHERE position > 0")).scalar_one() == 300
        assert tx.execute(text("SELECT sum(decisions) FROM evidence_traffic")).scalar_one() == 300
        assert tx.execute(text("SELECT count(*) FROM evidence_relabelled")).scalar_one() == 0


def test_the_same_labels_in_many_steps_prove_what_they_prove_in_one(database: Database, tmp_path: Path) -> None:
    line = a_gated_line(database, tmp_path, MaxError(0.1))
    for _ in range(8):
        line.label(line.decide(50), rightly)
        line.prove()
    stepwise = proofs_of(line)
    with line.database.begin() as tx:
        tx.execute(text("DELETE FROM proof_states"))
    line.prove()
    assert proofs_of(line) == stepwise


def proofs_of(line: GatedLine) -> list[tuple[float, float, float, int]]:
    with line.database.begin() as tx:
        found = proofs.curve(tx, line.name, now=line.installation.clock.now())
    return [(one.threshold, one.error, one.bound, one.labels) for one in found.points]


def test_silence_counts_at_maturity_and_reports_of_fraud_not_before(database: Database, tmp_path: Path) -> None:
    truth = Truth({"pause": "fraud", "release": "ok"}, matures=timedelta(days=30), unreported="ok")
    line = a_gated_line(database, tmp_path, MaxError(0.1), truth=truth)
    released = [one for one in line.decide(400) if one.outcome == "release"]
    line.label(released[:5], wrongly)
    line.prove()
    assert evidence(line) == []
    line.prove(line.installation.clock.now() + timedelta(days=30, minutes=1))
    line.prove(line.installation.clock.now() + timedelta(days=31, minutes=1))
    assert evidence(line) == []  # nobody audits what is paused, so a part of the line was never looked at


def test_where_only_releases_are_automatic_silence_is_enough(database: Database, tmp_path: Path) -> None:
    truth = Truth({"pause": "fraud", "release": "ok"}, matures=timedelta(days=30), unreported="ok")
    line = a_gated_line(database, tmp_path, MaxError(0.1), truth=truth, policy=ONLY_RELEASES)
    released = [one for one in line.decide(400) if one.outcome == "release"]
    line.label(released[:5], wrongly)
    line.prove()
    assert not [one for one in evidence(line) if one[1]]
    line.prove(line.installation.clock.now() + timedelta(days=30, minutes=1))
    line.prove(line.installation.clock.now() + timedelta(days=31, minutes=1))
    counted = evidence(line)
    assert len(counted) == 400  # what a person was to decide, and did not, counts as wrong
    assert (counted.count(("ok", "ok")), counted.count(("ok", "fraud"))) == (len(released) - 5, 5)


ONLY_RELEASES = """
outcomes: [release, pause, review]
rules: [{id: safe, when: 'risk.certain && prediction.score < 0.5', then: release}]
otherwise: review
"""


def evidence(line: GatedLine) -> list[tuple[str, str]]:
    with line.database.begin() as tx:
        rows = tx.execute(text("SELECT predicted, actual FROM evidence_cases WHERE floor > 0 ORDER BY position"))
        return [(row.predicted, row.actual) for row in rows]


def test_a_cost_is_bounded_like_an_error(database: Database, tmp_path: Path) -> None:
    costs = {("ok", "fraud"): 40.0, ("fraud", "ok"): 2.0}
    line = a_gated_line(database, tmp_path, MaxCost(3.0, costs))
    made = line.decide(600)
    assert line.revisions().held_out[""].target == 3.0
    line.label(made, lambda one: wrongly(one) if rightly(one) == "fraud" else "ok")
    line.prove()
    live = line.revisions().live[WHOLE]
    assert 0 < live.evidence["error"] < 3.0
    assert live.evidence["bound"] <= 3.0
    assert "mean cost of the automatic part" in live.sentence


def test_two_segments_with_different_errors_get_different_gates(database: Database, tmp_path: Path) -> None:
    line = a_gated_line(database, tmp_path, MaxError(0.1, by="country"))
    good, bad = line.decide(400, country="DE"), line.decide(400, country="FR")
    line.label(good, rightly)
    line.label(bad, wrongly)
    line.prove()
    there, now = line.revisions(), line.installation.clock.now()
    german, french = there.in_force(("DE", ""), now), there.in_force(("FR", ""), now)
    assert german is not None
    assert french is not None
    assert german.threshold < french.threshold
    assert french.threshold == NOTHING
    outcomes = {one.outcome for one in line.decide(20, country="FR")}, {one.outcome for one in line.decide(20)}
    assert outcomes[0] == {"review"}
    assert "release" in outcomes[1]


def test_each_predicted_class_keeps_its_own_bound(database: Database, tmp_path: Path) -> None:
    line = a_gated_line(database, tmp_path, MaxError(0.1, per_class={"fraud": 0.05, "ok": 0.2}))
    made = line.decide(800)
    line.label(made, lambda _: "ok")  # every fraud that was predicted is a false alarm
    line.prove()
    there, now = line.revisions(), line.installation.clock.now()
    fraud, ok = there.in_force((None, "fraud"), now), there.in_force((None, "ok"), now)
    assert fraud is not None
    assert ok is not None
    assert fraud.threshold == NOTHING
    assert ok.threshold < NOTHING
    again = line.decide(100)
    assert {one.outcome for one in again if rightly(one) == "fraud"} == {"review"}
    assert "release" in {one.outcome for one in again}


def test_another_target_on_the_same_labels_and_a_forecast(line: GatedLine) -> None:
    line.label(line.decide(300), rightly)
    line.prove()
    now = line.installation.clock.now()
    with line.database.begin() as tx:
        declared = proofs.curve(tx, line.name, now=now)
        strict = proofs.curve(tx, line.name, target=0.01, now=now)
        found = proofs.forecast(tx, line.name, now=now)
        accounts = proofs.explain(tx, line.name, now=now)
        with pytest.raises(proofs.TargetInvalid):
            proofs.curve(tx, line.name, target=1.5, now=now)
    assert strict.share < declared.share
    assert (strict.target, strict.declared) == (0.01, 0.1)
    assert found.clean_labels == 29
    assert found.labels_a_day == 300
    assert "proven automatic; 300 labels a day." in found.sentence
    assert [one.where for one in accounts] == [""]


def test_audits_of_decisions_that_nobody_drew_prove_nothing(line: GatedLine) -> None:
    automatic = [one for one in line.decide(20) if one.outcome != "review"]
    line.label(automatic, rightly, source=LabelSource.BLIND_AUDIT)
    line.prove()
    assert automatic
    assert evidence(line) == []


def test_the_workers_chore_does_it_and_is_leased(line: GatedLine) -> None:
    (chore,) = chores(Events())
    line.label(line.decide(300), rightly)
    more = True
    while more:
        with line.database.begin() as tx:
            line.rounds.step(tx, line.installation.clock.now() + DUE)
            more = chore.work(tx, line.installation.clock.now() + DUE)
    assert chore.lease is not None
    assert line.revisions().live[WHOLE].evidence["labels"] == 300


def test_the_gate_that_is_shown_is_the_champions_as_soon_as_it_was_promoted(line: GatedLine, tmp_path: Path) -> None:
    line.decide(50)
    line.prove()
    database, now = line.installation.database, line.installation.clock.now()
    version = register_champion(database, a_package(tmp_path / "second", seed=2))
    line.installation.deployment.refresh()
    with database.begin() as tx:
        assert f"@{version.number}+" in proofs.curve(tx, line.name, now=now).key.arm


def test_labels_of_a_line_that_a_worker_has_not_heard_of_yet_count(database: Database, tmp_path: Path) -> None:
    rounds = proofs.ProofRounds()
    with database.begin() as tx:
        proofs.prove_lines(tx, rounds, events=Events(), now=SystemClock().now())
    line = a_gated_line(database, tmp_path, MaxError(0.1))
    line.label(line.decide(600), rightly)
    more = True
    while more:
        with database.begin() as tx:
            now = line.installation.clock.now() + DUE
            more = line.rounds.step(tx, now) or proofs.prove_lines(tx, rounds, events=Events(), now=now)
    assert line.revisions().live[WHOLE].evidence["labels"] == 600


def test_each_transaction_revises_the_gates_of_one_line(database: Database, tmp_path: Path) -> None:
    """A revision takes the cord of its line: whoever holds that of another may wait for the audit log."""
    installation = install(database, tmp_path, *(a_gated(MaxError(0.1), name=name) for name in ("gated", "other")))
    lines = [GatedLine(installation, name) for name in ("gated", "other")]
    for line in lines:
        line.label(line.decide(400), rightly)
    now, events, together = installation.clock.now() + DUE, Events(), list[set[str]]()
    events.subscribe(GateRevised, lambda _, one: together[-1].add(one.automation))
    more, rounds = True, proofs.ProofRounds()
    while more:
        together.append(set())
        with database.begin() as tx:
            collected = lines[0].rounds.step(tx, now)
            more = proofs.prove_lines(tx, rounds, events=events, now=now) or collected
    assert {WHOLE} == lines[0].revisions().live.keys() == lines[1].revisions().live.keys()
    assert max(map(len, together)) == 1


def test_a_segment_with_enough_labels_begins_with_the_newest_ones(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "KEPT", 50)
    line = a_gated_line(database, tmp_path, MaxError(0.1, by="country"))
    for count, country in ((100, "AT"), (20, "DE"), (40, "DE")):
        line.label(line.decide(count, country=country), rightly)
        line.prove()
    with database.begin() as tx:
        found = proofs.curve(tx, line.name, now=line.installation.clock.now(), part=("DE", ""))
    assert max(one.labels for one in found.points) == 50


def test_what_a_fault_undoes_is_proven_again_at_the_next_step(line: GatedLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker remembers what it has proven, and what was rolled back was not."""
    line.label(line.decide(600), rightly)
    now, rounds = line.installation.clock.now() + DUE, proofs.ProofRounds()
    more = True
    while more:
        with line.database.begin() as tx:
            more = line.rounds.step(tx, now)

    def prove() -> None:
        more = True
        while more:
            with line.database.begin() as tx:
                more = proofs.prove_lines(tx, rounds, events=Events(), now=now)

    def failing(*_: object, **__: object) -> None:
        raise OSError("the connection is gone")

    monkeypatch.setattr(service, "adapt_share", failing)
    with pytest.raises(OSError, match="gone"):
        prove()
    assert line.revisions().live == {}
    monkeypatch.undo()
    prove()
    assert line.revisions().live[WHOLE].evidence["labels"] == 600

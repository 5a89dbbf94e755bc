"""Labels that a rollout asks people for: only where the candidate predicts otherwise, once, blindly, and no others."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from andon import audit, reviews, rollouts
from andon.authoring import BlindAudit, Review
from andon.bootstrap.vouched import all_evidence
from andon.decisions import Decision
from andon.kernel.db import Database
from andon.policies import REVIEW
from andon.reviews import ReviewDecided, ReviewFilter, ReviewState, ReviewTask, ReviewWithdrawn
from andon.rollouts import Rollout, RolloutState
from andon.rollouts.states import PairTally
from andon.trials.asking import JUDGED_WITHIN
from automations import a_forgiving_line
from rolling import AHEAD, QUICK, RITA, RolledLine, a_rolled_line

AGE = timedelta(hours=1)
ASKING = replace(QUICK, off=(*QUICK.off, "disagreement"), stage_decisions=100, labels=40)


def a_line(database: Database, folder: Path, **more: Any) -> RolledLine:
    return a_rolled_line(database, folder, a_forgiving_line(review=Review(queue="fraud", due=AGE), **more))


@pytest.fixture
def line(database: Database, tmp_path: Path) -> RolledLine:
    return a_line(database, tmp_path)


def questions(line: RolledLine, state: ReviewState | None = None) -> list[ReviewTask]:
    """Return the questions that wait, or those in a state."""
    wanted = ReviewFilter(state=state, blind=True)
    with line.database.begin() as tx:
        return [one for one in reviews.page(tx, wanted, now=line.now, limit=500) if one.asked_by is not None]


def answer(line: RolledLine, one: ReviewTask, outcome: str) -> None:
    with line.database.begin() as tx:
        reviews.claim(tx, one.id, actor=RITA, now=line.now)
        reviews.give_verdict(tx, one.id, outcome=outcome, reason="seen", actor=RITA, events=line.events, now=line.now)


def predicted(line: RolledLine) -> dict[str, str]:
    """Return the class that the champion predicted, by decision."""
    return {str(one.request.id): one.prediction.label for one in line.decided if one.prediction is not None}


def alone(made: list[Decision]) -> int:
    """Count the decisions that reach nobody."""
    return sum(one.outcome != REVIEW for one in made)


def pairs(line: RolledLine) -> PairTally:
    return line.states()["wrong"].pairs


def due(line: RolledLine) -> datetime:
    return line.now + AHEAD + AGE + JUDGED_WITHIN


def count(line: RolledLine, table: str) -> int:
    with line.database.begin() as tx:
        return int(tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_people_say_where_the_candidate_differs_and_a_worse_one_gets_no_traffic(line: RolledLine) -> None:
    line.start(3, plan=ASKING)
    line.decide(120, shadowed=True)
    assert line.watch().state is RolloutState.RUNNING
    asked = questions(line)
    assert len(asked) == 40
    for one in asked:
        answer(line, one, predicted(line)[str(one.decision_id)])
    waiting = line.watch()  # quick answers wait for slow ones
    assert pairs(line).judged == 0
    assert pairs(line).waiting >= 40
    assert f"the true class of {pairs(line).waiting} decisions" in waiting.why
    ended = line.watch(due(line))
    assert ended.state is RolloutState.ROLLED_BACK
    assert "wrong shows harm" in ended.why
    assert "people were asked about 40" in ended.why
    assert (pairs(line).candidate, pairs(line).champion) == (0, 40)
    assert {one.assignment.version for one in line.decided} == {1}


def test_answers_are_no_labels_and_no_evidence_of_how_often_the_line_errs(line: RolledLine) -> None:
    line.start(3, plan=ASKING)
    line.decide(60, shadowed=True)
    line.watch()
    for one in questions(line):
        answer(line, one, "fraud")
    assert count(line, "labels") == 0
    assert count(line, "evidence_relabelled") == 0
    with line.database.begin() as tx:
        assert reviews.audit_counts(tx) == {}


def test_whoever_answers_sees_what_the_line_saw_and_not_what_it_said(line: RolledLine) -> None:
    line.start(3, plan=ASKING)
    line.decide(60, shadowed=True)
    line.watch()
    one = questions(line)[0]
    assert one.choices == ("ok", "fraud") or set(one.choices) == {"ok", "fraud"}
    with line.database.begin() as tx:
        shown = reviews.decision_of(tx, one)
        reviews.claim(tx, one.id, actor=RITA, now=line.now)
        held = reviews.blind_held(tx, one.decision_id, RITA.name, now=line.now)
        others = reviews.blind_held(tx, one.decision_id, "otto", now=line.now)
    assert set(shown) == {"id", "automation", "input", "features"}
    assert held is not None
    assert others is None


def test_a_candidate_that_predicts_the_same_asks_nobody(line: RolledLine) -> None:
    line.start(2, plan=ASKING)
    line.decide(120, shadowed=True)
    line.watch()
    assert questions(line) == []
    assert line.rollout.at.share > 0


def test_each_account_is_asked_about_once_whatever_is_killed(line: RolledLine) -> None:
    line.start(3, plan=replace(ASKING, labels=10_000))
    for _ in range(3):
        line.decide(60, accounts=50, shadowed=True)
        line.killed_while_it_looks()
        line.another_worker()
        line.watch()
    asked = {one.decision_id for one in questions(line)}
    accounts = [one.request.input["account"] for one in line.decided if one.request.id in asked]
    assert len(accounts) == len(set(accounts)) > 20
    assert pairs(line).asked == len(accounts)


def test_no_more_are_asked_about_than_the_plan_allows(line: RolledLine) -> None:
    line.start(3, plan=replace(ASKING, labels=25, stage_decisions=10_000))
    for _ in range(3):
        line.decide(30, shadowed=True)
        line.watch()
    assert len(questions(line)) == pairs(line).asked == 25


def test_questions_end_with_the_decisions_and_the_time_of_the_stage(line: RolledLine) -> None:
    line.start(3, plan=replace(ASKING, labels=10_000, stage_decisions=30))
    first = line.decide(60, shadowed=True)
    line.watch()
    before = len(questions(line))
    assert before == alone(first)
    line.decide(60, shadowed=True)
    line.watch()
    assert len(questions(line)) == before


def test_what_is_looked_at_anyway_is_not_asked_about_and_counts_as_all_in_question_do(
    database: Database, tmp_path: Path
) -> None:
    line = a_line(database, tmp_path, audit=BlindAudit(1.0, due=AGE))
    line.start(3, plan=ASKING)
    made = line.decide(80, shadowed=True)
    line.watch()
    assert questions(line) == []
    # Without the plan's labels only one of twenty such decisions counts, as everywhere else.
    truths = [(one, one.prediction.label if one.prediction else None) for one in made]
    with database.begin() as tx:
        tx.execute(
            text("UPDATE trial_counts SET body = jsonb_set(body, '{floors}', :floors) WHERE name = 'cases'"),
            {"floors": f'{{"{made[0].decided_at.date()}": 0.05}}'},
        )
    accounts = len({one.request.input["account"] for one in made})
    assert pairs(line).waiting == accounts  # so the stage waits for them, too
    line.judges(truths)
    line.watch(due(line))
    assert (pairs(line).judged, pairs(line).waiting) == (accounts, 0)


def test_answers_that_are_open_when_they_are_due_speak_for_neither(line: RolledLine) -> None:
    line.start(3, plan=ASKING)
    line.decide(60, shadowed=True)
    line.watch()
    asked = questions(line)
    assert line.watch(due(line)).state is RolloutState.RUNNING
    assert (pairs(line).open, pairs(line).waiting, pairs(line).candidate) == (len(asked), 0, 0)
    answer(line, asked[0], "ok")  # too late to count
    line.watch(due(line))
    assert pairs(line).judged == len(asked)


def test_the_end_withdraws_what_is_still_asked(line: RolledLine) -> None:
    line.start(3, plan=ASKING)
    line.decide(60, shadowed=True)
    line.watch()
    asked = questions(line)
    answer(line, asked[0], "ok")
    line.act(rollouts.abort)
    line.watch()
    assert questions(line) == []
    left = questions(line, ReviewState.WITHDRAWN)
    assert len(left) == len(asked) - 1
    assert {one.withdrawal.reason for one in left if one.withdrawal} == {"Rollout 1 of payments is over"}
    assert count(line, "trial_questions") == 0
    with line.database.begin() as tx:
        assert audit.verify(tx, evidence=all_evidence()).findings == ()


def test_an_answer_beside_the_withdrawal_counts_once_or_is_told(line: RolledLine) -> None:
    line.start(3, plan=ASKING)
    line.decide(60, shadowed=True)
    line.watch()
    asked = questions(line)
    line.act(rollouts.abort)
    together = Barrier(2)

    def answers() -> int:
        together.wait()
        refused = 0
        for one in asked:
            try:
                answer(line, one, "ok")
            except (ReviewWithdrawn, ReviewDecided):
                refused += 1
        return refused

    def withdraws() -> Rollout:
        together.wait()
        return line.watch()

    with ThreadPoolExecutor(2) as pool:
        refused, _ = pool.submit(answers), pool.submit(withdraws).result()
    assert refused.result() == len(questions(line, ReviewState.WITHDRAWN))
    assert questions(line) == []

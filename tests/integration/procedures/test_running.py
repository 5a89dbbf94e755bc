"""Procedures in their own process, over a real database: steps once and in order, retried, undone, resumed, forked."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from andon import procedures
from andon.kernel import durable
from andon.kernel.db import Database
from andon.kernel.reasons import ReasonInvalid
from andon.procedures import EntryState, RunState
from andon.procedures.conducting import Conductor
from conducting import CLOCK, PERSON, conducting, get, outcome, send, start, timeline, until

from .cases import calls, overlapping


def test_steps_are_done_in_order_and_their_results_have_their_types(database: Database, conductor: Conductor) -> None:
    done = start(database, conductor, "hold", {"account": "a7"})
    assert until(database, done).state is RunState.DONE
    assert outcome(database, done) == ({"year": 2026, "told": "a7", "by": "transfer-screening"}, None)
    assert calls.made == ["lock a7", "notify a7"]
    assert [(e.number, e.kind, e.name, e.state) for e in timeline(database, done)] == [
        (1, "step", "lock", EntryState.DONE),
        (2, "step", "notify", EntryState.DONE),
    ]


def test_the_same_key_starts_one_procedure(database: Database, conductor: Conductor) -> None:
    first = start(database, conductor, "hold")
    assert start(database, conductor, "hold", {"account": "other"}, key=first) == first
    until(database, first)
    assert calls.made == ["lock a1", "notify a1"]


def test_what_is_started_in_a_transaction_that_is_undone_never_was(database: Database, conductor: Conductor) -> None:
    key, now = UUID(int=7), CLOCK.now()
    about: dict[str, Any] = {"automation": "a", "decision_id": key, "correlation_id": "c", "traceparent": None}
    with database.engine.connect() as tx:
        conductor.start(tx, "hold", key, {}, now=now, **about)
        tx.rollback()
    with database.begin() as tx:
        assert (procedures.of_decision(tx, key), durable.find(tx, [key])) == ([], {})


def test_a_failure_undoes_what_was_done_last_first_and_says_what_it_could_not(
    database: Database, conductor: Conductor
) -> None:
    failed = start(database, conductor, "hold", {"fail": True})
    assert until(database, failed).state is RunState.FAILED
    assert calls.made == ["lock a1", "notify a1", *["silence a1"] * 3, "unlock a1"]
    why = (
        "RuntimeError: the third step is missing; notify could not be undone: StepFailed: silence: OSError: "
        "nobody there"
    )
    assert outcome(database, failed) == (None, why)
    undone = timeline(database, failed)[2:]
    assert [(e.name, e.undo, e.state, e.attempts) for e in undone] == [
        ("silence", True, EntryState.FAILED, 3),
        ("unlock", True, EntryState.DONE, 1),
    ]


def test_a_step_is_tried_again_for_errors_that_pass_and_given_up_in_the_end(
    database: Database, conductor: Conductor
) -> None:
    passing = start(database, conductor, "try", {"times": 2})
    assert until(database, passing).state is RunState.DONE
    (entry,) = timeline(database, passing)
    assert (entry.attempts, [f.error for f in entry.failures]) == (3, ["ConnectionError: not yet"] * 2)
    calls.made.clear()
    lasting = start(database, conductor, "try", {"times": 9})
    assert until(database, lasting).state is RunState.FAILED
    assert (len(calls.made), outcome(database, lasting)[1]) == (3, "shaky: ConnectionError: not yet")


def test_an_error_that_never_passes_is_not_tried_again(database: Database, conductor: Conductor) -> None:
    picky_one = start(database, conductor, "pick", {"times": 9})
    assert until(database, picky_one).state is RunState.FAILED
    assert len(calls.made) == 1


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("plain", "leave: SystemExit: 3"),
        ("async", "break_off: KeyboardInterrupt"),
        ("between", "SystemExit: no more"),
        ("tasks", "both_leave: TaskEnded: SystemExit: 3"),
    ],
)
def test_code_that_ends_the_program_fails_its_own_procedure_and_the_others_go_on(
    database: Database, conductor: Conductor, where: str, why: str
) -> None:
    other = start(database, conductor, "await", {"times": 1})
    until(database, other, RunState.WAITING)
    failed = start(database, conductor, "leave", {"account": where})
    assert until(database, failed).state is RunState.FAILED
    assert outcome(database, failed) == (None, f"{why}; notify could not be undone: KeyboardInterrupt")
    send(database, other, "answer", "yes")
    assert until(database, other).state is RunState.DONE


def test_time_and_chance_are_what_they_were_at_first(database: Database, conductor: Conductor) -> None:
    drawn = start(database, conductor, "chance")
    assert until(database, drawn).state is RunState.DONE
    kept = timeline(database, drawn)
    assert [e.kind for e in kept] == ["now", "random", "sleep", "sleep"]
    (moment, number), _ = outcome(database, drawn)
    assert datetime.fromisoformat(moment) < CLOCK.now() - timedelta(milliseconds=50)
    assert 0 <= number < 1


def test_a_procedure_that_is_given_what_does_not_fit_fails_and_does_not_tell_the_value(
    database: Database, conductor: Conductor
) -> None:
    wrong = start(database, conductor, "hold", {"times": "a secret"})
    assert until(database, wrong).state is RunState.FAILED
    assert outcome(database, wrong)[1] == "ValidationError: a value does not fit: times".partition(": ")[2]


def test_cancelled_it_stops_where_it_is_and_resumed_it_goes_on_behind_its_last_step(
    database: Database, conductor: Conductor
) -> None:
    waits = start(database, conductor, "await", {"times": 1})
    until(database, waits, RunState.WAITING)
    with database.begin() as tx:
        procedures.cancel(tx, waits, actor=PERSON, reason="wrong account", now=CLOCK.now())
    assert get(database, waits).state is RunState.CANCELLED
    send(database, waits, "answer", "yes")
    assert get(database, waits).state is RunState.CANCELLED
    with database.begin() as tx:
        with pytest.raises(procedures.ProcedureOver):
            procedures.cancel(tx, waits, actor=PERSON, reason="again", now=CLOCK.now())
        procedures.resume(tx, waits, actor=PERSON, reason="right after all", now=CLOCK.now())
    assert until(database, waits).state is RunState.DONE
    with database.begin() as tx:
        notes = [(note.leaf.action, note.leaf.actor, note.reason) for note in procedures.log_of(tx, waits)]
        with pytest.raises(procedures.ProcedureNotStopped):
            procedures.resume(tx, waits, actor=PERSON, reason="again", now=CLOCK.now())
        for reason in (" ", "\0", "x" * 2001):
            with pytest.raises(ReasonInvalid):
                procedures.cancel(tx, waits, actor=PERSON, reason=reason, now=CLOCK.now())
    assert notes == [
        ("procedure.resume", "otto", "right after all"),
        ("procedure.event", "otto", None),
        ("procedure.cancel", "otto", "wrong account"),
    ]


def test_forked_a_new_one_does_the_steps_from_there_on_again(database: Database, conductor: Conductor) -> None:
    done = start(database, conductor, "hold")
    until(database, done)
    with database.begin() as tx:
        with pytest.raises(procedures.StepInvalid):
            procedures.fork(tx, done, from_step=4, actor=PERSON, reason="x", now=CLOCK.now())
        new = procedures.fork(tx, done, from_step=2, actor=PERSON, reason="tell him again", now=CLOCK.now())
    assert until(database, new.id).state is RunState.DONE
    assert calls.made == ["lock a1", "notify a1", "notify a1"]
    assert (get(database, new.id).forked_from, len(timeline(database, new.id))) == (done, 2)


def test_one_that_failed_is_forked_from_a_step_that_was_done_and_none_of_the_undoing(
    database: Database, conductor: Conductor
) -> None:
    failed = start(database, conductor, "hold", {"fail": True})
    until(database, failed)
    assert len(timeline(database, failed)) == 4
    about: dict[str, Any] = {"actor": PERSON, "reason": "the bank is open again", "now": CLOCK.now()}
    with database.begin() as tx:
        with pytest.raises(procedures.StepInvalid, match="1 to 3"):
            procedures.fork(tx, failed, from_step=4, **about)
        again = procedures.fork(tx, failed, from_step=3, **about)
    assert until(database, again.id).state is RunState.FAILED
    assert [(entry.name, entry.undo) for entry in timeline(database, again.id)][1:3] == [
        ("notify", False),
        ("silence", True),
    ]


def test_steps_that_overlap_are_refused(database: Database) -> None:
    with conducting(database, overlapping) as conductor:
        both = start(database, conductor, "both-at-once")
        assert until(database, both).state is RunState.FAILED
        assert "await each" in str(outcome(database, both)[1])

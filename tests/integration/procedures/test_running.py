"""Procedures in a process of their own, over a real database: steps once, retries, waits, questions, undoing, versions."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from sqlalchemy import text

from andon import Procedure, Retry, actions, procedure, procedures, reviews, webhook
from andon.authoring import ProcedureSpec
from andon.kernel import durable, outbox
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.reasons import ReasonMissing
from andon.labels import subscribe as subscribe_labels
from andon.procedures import EntryState, RunState
from andon.procedures.conducting import Conductor
from conducting import CLOCK, PERSON, conducting, get, outcome, send, start, timeline, until

SOON = Retry(attempts=3, first=timedelta(milliseconds=1), longest=timedelta(milliseconds=1))


class Case(BaseModel):
    """What these procedures are given."""

    account: str = "a1"
    fail: bool = False
    times: int = 0


class Calls:
    """What steps did, as the world sees it."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def lock(self, account: str) -> datetime:
        self.made.append(f"lock {account}")
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def notify(self, account: str) -> dict[str, Any]:
        self.made.append(f"notify {account}")
        return {"told": account}

    def unlock(self, account: str) -> None:
        self.made.append(f"unlock {account}")

    def silence(self, account: str) -> None:
        self.made.append(f"silence {account}")
        raise OSError("nobody there")

    def shaky(self, times: int) -> int:
        self.made.append("shaky")
        if self.made.count("shaky") <= times:
            raise ConnectionError("not yet")
        return self.made.count("shaky")

    def leave(self) -> None:
        self.made.append("leave")
        raise SystemExit(3)

    async def both_leave(self) -> None:
        async def one(code: int) -> None:
            self.made.append("leave")
            raise SystemExit(code)

        await asyncio.gather(one(3), one(4))

    async def break_off(self) -> None:
        self.made.append("break off")
        raise KeyboardInterrupt


calls = Calls()


@pytest.fixture(autouse=True)
def _anew() -> None:
    calls.made.clear()


@procedure("hold")
async def hold(p: Procedure, case: Case) -> dict[str, Any]:
    locked = await p.step(calls.lock, case.account, compensate=lambda: p.step(calls.unlock, case.account))
    told = await p.step(calls.notify, case.account, compensate=lambda: p.step(calls.silence, case.account, retry=SOON))
    if case.fail:
        raise RuntimeError("the third step is missing")
    return {"year": locked.year, "told": told["told"], "by": p.automation}


@procedure("try")
async def trying(p: Procedure, case: Case) -> int:
    return await p.step(calls.shaky, case.times, retry=SOON)


@procedure("pick")
async def picky(p: Procedure, case: Case) -> int:
    return await p.step(calls.shaky, case.times, retry=Retry(never=(ConnectionError,)))


@procedure("leave")
async def leaving(p: Procedure, case: Case) -> None:
    await p.step(calls.notify, case.account, compensate=calls.break_off)
    if case.account == "between":
        raise SystemExit("no more")
    await p.step({"plain": calls.leave, "tasks": calls.both_leave}.get(case.account, calls.break_off))


@procedure("await")
async def waiting(p: Procedure, case: Case) -> Any:
    first = await p.wait_for("answer", within=timedelta(days=2))
    second = await p.wait_for("answer", within=timedelta(milliseconds=case.times))
    return [first and (first.data, first.by), second and second.data]


@procedure("ask")
async def asking(p: Procedure, case: Case) -> list[str]:
    answer = await p.ask("Release it?", choices=["release", "confirm"], queue="fraud", due=timedelta(hours=1))
    return [answer.choice, answer.reason, answer.by]


@procedure("tell")
async def telling(p: Procedure, case: Case) -> str:
    await p.deliver(webhook("bank"), {"id": case.account}, event="pause", compensate=lambda: p.step(calls.unlock, "it"))
    return "told"


@procedure("chance")
async def chance(p: Procedure, case: Case) -> list[Any]:
    drawn = [await p.now(), await p.random()]
    await p.sleep(timedelta(milliseconds=50))
    await p.sleep_until(datetime(2020, 1, 1, tzinfo=UTC))
    return drawn


@procedure("both-at-once")
async def overlapping(p: Procedure, case: Case) -> None:
    await asyncio.gather(p.step(calls.notify, "a"), p.step(calls.lock, "c"))


SPECS: tuple[ProcedureSpec, ...] = (hold, trying, picky, leaving, waiting, asking, telling, chance)


@pytest.fixture
def conductor(database: Database) -> Iterator[Conductor]:
    with conducting(database, *SPECS) as conductor:
        yield conductor


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
    why = "RuntimeError: the third step is missing; notify could not be undone: StepFailed: silence: OSError: nobody there"
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


def test_an_event_is_taken_once_by_its_key_whether_it_comes_before_or_after_the_wait(
    database: Database, conductor: Conductor
) -> None:
    waits = start(database, conductor, "await", {"times": 100})
    assert until(database, waits, RunState.WAITING).run.wakes_at > CLOCK.now() + timedelta(days=1)  # type: ignore[union-attr]
    assert [send(database, waits, "other"), send(database, waits, "answer", "yes", key="k")] == [True, True]
    assert send(database, waits, "answer", "yes", key="k") is False
    with pytest.raises(procedures.EventKeyReused):
        send(database, waits, "answer", "no", key="k")
    assert until(database, waits).state is RunState.DONE
    assert outcome(database, waits)[0] == [["yes", "otto"], None]
    assert [(e.name, e.detail) for e in timeline(database, waits)] == [
        ("answer", "sent by otto"),
        ("answer", "the time was up"),
    ]
    with pytest.raises(procedures.ProcedureOver):
        send(database, waits, "answer", "late")


def test_who_waits_holds_no_task_and_no_place(database: Database, conductor: Conductor) -> None:
    many = [start(database, conductor, "await", {"times": 1}) for _ in range(40)]
    for one in many:
        until(database, one, RunState.WAITING)
    with database.begin() as tx:
        held = tx.execute(text("SELECT count(*) FROM andon_durable.workflow_status WHERE executor_id IS NOT NULL"))
        assert held.scalar_one() == 0
    done = start(database, conductor, "hold")
    assert until(database, done).state is RunState.DONE


def test_a_question_waits_for_a_person_and_is_no_label(database: Database, conductor: Conductor) -> None:
    asked = start(database, conductor, "ask")
    until(database, asked, RunState.WAITING)
    events = Events()
    procedures.subscribe(events)
    subscribe_labels(events)
    with database.begin() as tx:
        (review,) = reviews.page(tx, reviews.ReviewFilter(queue="fraud"), now=CLOCK.now())
        assert (review.question, review.procedure_id, review.outcomes) == ("Release it?", asked, ("release", "confirm"))
        assert reviews.of_decision(tx, asked) is None
        reviews.claim(tx, review.id, actor=PERSON, now=CLOCK.now())
    with database.begin() as tx:
        about: dict[str, Any] = {"actor": PERSON, "events": events, "now": CLOCK.now()}
        reviews.give_verdict(tx, review.id, outcome="confirm", reason="he called back", **about)
    assert until(database, asked).state is RunState.DONE
    assert outcome(database, asked)[0] == ["confirm", "he called back", "otto"]
    with database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM labels")).scalar_one() == 0


def settle(database: Database, conductor: Conductor, told: UUID, state: outbox.State, error: str | None = None) -> None:
    with database.begin() as tx:
        outbox.settle(tx, procedures.key_of(told, 1), state, now=CLOCK.now(), error=error)
    with database.begin() as tx:
        assert conductor.wake_delivered(tx) == 1
        assert conductor.wake_delivered(tx) == 0


def test_a_delivery_goes_by_the_outbox_under_the_steps_own_key(database: Database, conductor: Conductor) -> None:
    told = start(database, conductor, "tell")
    until(database, told, RunState.WAITING)
    settle(database, conductor, told, outbox.State.DONE)
    assert until(database, told).state is RunState.DONE
    with database.begin() as tx:
        (action,) = actions.of_decision(tx, told)
    assert (action.id, action.destination, action.action) == (procedures.key_of(told, 1), "bank", "pause")


def test_a_delivery_that_was_refused_fails_the_step_and_one_that_never_arrived_is_not_undone(
    database: Database, conductor: Conductor
) -> None:
    told = start(database, conductor, "tell")
    until(database, told, RunState.WAITING)
    settle(database, conductor, told, outbox.State.DEAD, "answered 422")
    assert until(database, told).state is RunState.FAILED
    assert (outcome(database, told)[1], calls.made) == ("pause: answered 422", [])


def test_a_delivery_that_may_have_arrived_is_undone(database: Database, conductor: Conductor) -> None:
    told = start(database, conductor, "tell")
    until(database, told, RunState.WAITING)
    with database.begin() as tx:
        insert = "INSERT INTO delivery_attempts (id, message_id, number, began_at) VALUES (:a, :m, 1, now())"
        tx.execute(text(insert), {"a": UUID(int=5), "m": procedures.key_of(told, 1)})
    settle(database, conductor, told, outbox.State.DEAD, "no answer came")
    assert until(database, told).state is RunState.FAILED
    assert calls.made == ["unlock it"]


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
            with pytest.raises(ReasonMissing):
                procedures.cancel(tx, waits, actor=PERSON, reason=reason, now=CLOCK.now())
    assert notes == [("procedure.resume", "otto", "right after all"), ("procedure.cancel", "otto", "wrong account")]


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

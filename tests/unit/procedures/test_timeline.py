"""What is shown of a procedure's steps, and the keys of what they do outside."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from andon.kernel.durable import StepRecord
from andon.kernel.ids import time_of, uuid7
from andon.procedures import EntryState, StepAttempt, Wait, key_of
from andon.procedures.domain import timeline

AT = datetime(2026, 3, 1, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return AT + timedelta(seconds=seconds)


def test_steps_stand_in_order_with_their_failures_and_what_is_under_way_last() -> None:
    records = [
        StepRecord(1, "step:pause", {"ok": 1}, at(0), at(1)),
        StepRecord(2, "undo step:tell", {"failed": "no"}, at(2), at(3)),
    ]
    failed = StepAttempt(3, "step:charge", 1, at(4), at(5), "OSError: down")
    shown = timeline(records, [], [failed], over=False)
    assert [(e.number, e.name, e.undo, e.state, e.attempts) for e in shown] == [
        (1, "pause", False, EntryState.DONE, 1),
        (2, "tell", True, EntryState.FAILED, 0),
        (3, "charge", False, EntryState.TRYING, 1),
    ]
    assert timeline(records, [], [failed], over=True)[2].state is EntryState.FAILED


def test_a_wait_shows_since_when_it_lasts_and_who_ended_it_never_with_what() -> None:
    wait = Wait(1, "wait:answer", at(0), at(60), over=False)
    (waiting,) = timeline([], [wait], [], over=False)
    assert (waiting.state, waiting.until, waiting.ended_at) == (EntryState.WAITING, at(60), None)
    record = StepRecord(1, "wait:answer", {"ok": {"data": "a secret", "by": "otto", "at": ""}}, at(30), at(31))
    (ended,) = timeline([record], [wait], [], over=True)
    assert (ended.began_at, ended.detail) == (at(0), "sent by otto")
    assert timeline([], [wait], [], over=True) == []


@given(step=st.integers(1, 10**6), other=st.integers(1, 10**6))
def test_a_key_is_the_same_for_a_step_and_another_for_any_other_and_sorts_by_the_start(step: int, other: int) -> None:
    procedure = uuid7(AT)
    key = key_of(procedure, step)
    assert (key.version, time_of(key)) == (7, AT)
    assert (key == key_of(procedure, other)) == (step == other)
    assert key != key_of(UUID(int=procedure.int ^ 1), step)

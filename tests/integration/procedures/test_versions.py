"""A procedure ends on the code it began on, whatever is declared meanwhile; long pauses survive a process."""

from datetime import timedelta
from typing import Any

from andon import Procedure, Retry, procedure, procedures
from andon.authoring import ProcedureSpec
from andon.kernel.db import Database
from andon.procedures import RunState
from conducting import CLOCK, PERSON, conducting, get, outcome, send, start, timeline, until


@procedure("pause")
async def before(p: Procedure, case: dict[str, Any]) -> str:
    await p.wait_for("go")
    return "as it was"


@procedure("pause")
async def after(p: Procedure, case: dict[str, Any]) -> str:
    await p.wait_for("go")
    return "as it is"


def retired(spec: ProcedureSpec) -> ProcedureSpec:
    return ProcedureSpec(spec.name, spec.body, retired=True)


def test_one_under_way_ends_on_its_own_code_beside_new_ones_on_the_new(database: Database) -> None:
    with conducting(database, before) as conductor:
        old = start(database, conductor, "pause")
        until(database, old, RunState.WAITING)
    with conducting(database, after, retired(before)) as conductor:
        new = start(database, conductor, "pause")
        for one in (old, new):
            send(database, one, "go")
            until(database, one, RunState.DONE)
    assert [outcome(database, one)[0] for one in (old, new)] == ["as it was", "as it is"]
    assert [get(database, one).version for one in (old, new)] == [before.version, after.version]


def test_without_its_code_it_waits_and_a_fork_takes_it_to_the_new(database: Database) -> None:
    with conducting(database, before) as conductor:
        old = start(database, conductor, "pause")
        until(database, old, RunState.WAITING)
    send(database, old, "go")
    with conducting(database, after) as conductor:
        with database.begin() as tx:
            assert conductor.stranded(tx) == {before.flow: 1}
            fork = procedures.fork(tx, old, from_step=1, actor=PERSON, reason="its code is gone", now=CLOCK.now())
        send(database, fork.id, "go")
        until(database, fork.id, RunState.DONE)
    assert (outcome(database, fork.id)[0], get(database, old).state) == ("as it is", RunState.QUEUED)
    with conducting(database, retired(before)):
        until(database, old, RunState.DONE)
    assert outcome(database, old)[0] == "as it was"


tries: list[str] = []


def shaky() -> str:
    tries.append("tried")
    if len(tries) < 3:
        raise ConnectionError("not yet")
    return "there"


@procedure("insist")
async def insist(p: Procedure, case: dict[str, Any]) -> str:
    return await p.step(shaky, retry=Retry(attempts=3, first=timedelta(days=8), longest=timedelta(days=8)))


def test_between_attempts_that_are_far_apart_it_is_a_row_and_the_count_goes_on(database: Database) -> None:
    tries.clear()
    one = None
    for attempt in (1, 2):
        with conducting(database, insist) as conductor:
            one = one or start(database, conductor, "insist")
            until(database, one, RunState.WAITING)
            assert len(tries) == attempt
        with database.begin() as tx:
            (found,) = procedures.page(tx, automations=None)
            assert found.run is not None
            assert found.run.executor is None
            procedures.cancel(tx, one, actor=PERSON, reason="no need to wait", now=CLOCK.now())
            procedures.resume(tx, one, actor=PERSON, reason="no need to wait", now=CLOCK.now())
    assert one is not None
    with conducting(database, insist):
        until(database, one, RunState.DONE)
    (entry,) = timeline(database, one)
    assert (outcome(database, one)[0], entry.attempts) == ("there", 3)

"""The history of an ended procedure stands in the audit log: a change by hand is named, ordinary work is not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from tests.integration.audit.test_rows import undone, unguarded

from andon import audit, procedures
from andon.audit import Finding, Harm
from andon.kernel.db import Database, Tx
from andon.procedures import ProcedureHistories, RunState
from andon.procedures.chores import of_histories
from andon.procedures.conducting import Conductor
from conducting import CLOCK, PERSON, send, start, until

EDITED, MISSING, UNCLAIMED = Harm.EVIDENCE_EDITED, Harm.EVIDENCE_MISSING, Harm.EVIDENCE_UNCLAIMED
STEPS, RUNS = "andon_durable.operation_outputs", "andon_durable.workflow_status"


def enter(database: Database, now: datetime | None = None) -> None:
    (chore,) = of_histories()
    with database.begin() as tx:
        assert chore.work(tx, now or CLOCK.now()) is False


def findings(tx: Tx) -> Sequence[Finding]:
    return audit.verify(tx, evidence=ProcedureHistories().by_action()).findings


def ended(database: Database, conductor: Conductor) -> tuple[UUID, UUID]:
    """Return a procedure that is done and one that failed after several attempts; their histories are entered."""
    done = start(database, conductor, "hold", {"account": "a7"})
    failed = start(database, conductor, "try", {"times": 9})
    assert until(database, done).state is RunState.DONE
    assert until(database, failed).state is RunState.FAILED
    enter(database)
    return done, failed


CHANGES = (
    (f"UPDATE {STEPS} SET output = '1' WHERE workflow_uuid = :done AND function_id = 1", EDITED),
    (f"UPDATE {STEPS} SET function_name = 'other' WHERE workflow_uuid = :done AND function_id = 2", EDITED),
    (f"DELETE FROM {STEPS} WHERE workflow_uuid = :done AND function_id = 2", EDITED),
    (f"UPDATE {RUNS} SET status = 'ERROR' WHERE workflow_uuid = :done", EDITED),
    (f"UPDATE {RUNS} SET status = 'ENQUEUED' WHERE workflow_uuid = :done", EDITED),
    ("UPDATE andon_durable.workflow_output SET output = '1' WHERE workflow_uuid = :done", EDITED),
    ("UPDATE procedures SET input = '{}' WHERE id = CAST(:done AS uuid)", EDITED),
    (f"DELETE FROM {RUNS} WHERE workflow_uuid = :done", MISSING),
    ("DELETE FROM procedures WHERE id = CAST(:done AS uuid)", MISSING),
)


def test_each_change_of_an_ended_procedure_is_named(database: Database, conductor: Conductor) -> None:
    done, failed = ended(database, conductor)
    with database.begin() as tx:
        assert findings(tx) == ()
    unnoticed = []
    with unguarded(database) as tx:
        for statement, harm in CHANGES:
            with undone(tx, statement.replace(":done", f"'{done}'")) as changed:
                found = [(one.harm, one.subject) for one in findings(tx)]
            if not changed or found != [(harm, f"procedure:{done}")]:
                unnoticed.append((statement, changed, found))
        with undone(tx, f"DELETE FROM procedure_attempts WHERE procedure_id = '{failed}' AND number = 2") as changed:
            assert (changed, [one.subject for one in findings(tx)]) == (1, [f"procedure:{failed}"])
    assert unnoticed == []


def test_a_history_that_is_entered_again_after_a_change_is_named(database: Database, conductor: Conductor) -> None:
    done, _ = ended(database, conductor)
    with database.begin() as tx:
        tx.execute(text(f"UPDATE {STEPS} SET output = '1' WHERE workflow_uuid = '{done}'"))
        tx.execute(text("UPDATE procedures SET entered = false"))
    enter(database)
    with database.begin() as tx:
        assert {(one.harm, one.subject) for one in findings(tx)} == {(EDITED, f"procedure:{done}")}


def test_what_is_under_way_is_no_finding_and_what_ended_long_before_the_last_entry_is(
    database: Database, conductor: Conductor
) -> None:
    waiting = start(database, conductor, "await", {"times": 1})
    until(database, waiting, RunState.WAITING)
    done, failed = ended(database, conductor)
    with database.begin() as tx:
        assert findings(tx) == ()
    send(database, waiting, "answer", {})
    until(database, waiting)
    with database.begin() as tx:
        assert findings(tx) == ()  # it has just ended
    with unguarded(database) as tx:
        tx.execute(text(f"UPDATE procedures SET entered = true WHERE id = '{waiting}'"))
        assert [(one.harm, one.subject) for one in findings(tx)] == [(UNCLAIMED, f"procedure:{waiting}")]
    with unguarded(database) as tx:
        ago = int((CLOCK.now() - timedelta(minutes=20)).timestamp() * 1000)
        tx.execute(text(f"UPDATE {RUNS} SET completed_at = {ago} WHERE workflow_uuid = '{waiting}'"))
        assert [(one.harm, one.subject) for one in findings(tx)] == [(UNCLAIMED, f"procedure:{waiting}")]
    enter(database)
    with database.begin() as tx:
        assert findings(tx) == ()
        fork = procedures.fork(tx, done, from_step=2, actor=PERSON, reason="again", now=CLOCK.now())
    until(database, fork.id)
    with database.begin() as tx:
        assert findings(tx) == ()
    assert failed != fork.id


def test_a_database_without_procedures_is_sound(database: Database) -> None:
    enter(database)
    with database.begin() as tx:
        assert findings(tx) == ()

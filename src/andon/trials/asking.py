"""Questions of a trial: where arms that saw the same input predict otherwise, a person says which class is right.

A decision is chosen because the arms differ, whatever is true: so its answer compares them, and says nothing about how
often either errs. It is therefore no label: gates, monitors and measures never count it. Each unit is asked about once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from andon import decisions, evidence, reviews
from andon.decisions import declared_audit
from andon.kernel.db import Tx
from andon.kernel.identity import PLATFORM
from andon.kernel.ids import uuid7
from andon.trials import store
from andon.trials.domain import TrafficTrial
from andon.trials.store import One, Step, TrialStore

JUDGED_WITHIN = timedelta(seconds=10)
"""The time in which a decision that somebody looked at becomes a case, after its age."""


class DifferingDecision(Struct, frozen=True):
    """A decision on which arms predict otherwise; `is_looked_at` if a person gives its class anyway."""

    id: UUID
    unit: bytes
    classes: tuple[str, ...]
    correlation_id: str
    is_looked_at: bool


class AnsweredQuestion(Struct, frozen=True):
    """A decision in question when its answer is due; `actual` is None if it was open then."""

    decision_id: UUID
    unit: bytes
    actual: str | None


def ask(tx: Tx, trial: TrafficTrial, found: Sequence[DifferingDecision], most: int, now: datetime) -> tuple[int, int]:
    """Ask about the first decision of each unit, at most so many. Return how many are in question, and how many asked.

    Those that are looked at anyway are in question without being asked about, until the last question is asked: so all
    that is in question until then is looked at with the same probability. They count as cases, soon after their age.
    """
    known = store.units_in_question(tx, trial.id, [one.unit for one in found]) if found else set()
    rows, asked, age = [], 0, evidence.age_of(tx, trial.automation)
    for one in found:
        if one.unit in known:
            continue
        if asked == most:
            break
        known.add(one.unit)
        key = None if one.is_looked_at else uuid7(now)
        due_at = now + age + (JUDGED_WITHIN if key is None else timedelta(0))
        rows.append({"unit": one.unit, "decision_id": one.id, "key": key, "due_at": due_at, "told": False})
        if key is not None:
            asked += 1
            _ask(tx, trial, one, key, age, now)
    store.add_questions(tx, trial.id, rows)
    return len(rows), asked


def answered(tx: Tx, trial: TrafficTrial, now: datetime, limit: int) -> tuple[int, list[AnsweredQuestion]]:
    """Take what is due: all at the same age, because quick answers may differ from slow ones.

    Return how many decisions are no longer in question, and those of them that were asked about.
    """
    taken = store.take_questions(tx, trial.id, now, limit)
    due = [one for one in taken if one.key is not None]
    said = reviews.answers_of(tx, [one.key for one in due]) if due else {}
    in_time = {one.key: said[one.key].outcome for one in due if one.key in said and said[one.key].at <= one.due_at}
    return len(taken), [AnsweredQuestion(one.decision_id, bytes(one.unit), in_time.get(one.key)) for one in due]


def withdraw_left_over(tx: Tx, kept: TrialStore[One, Step], now: datetime) -> bool:
    """Withdraw the open questions of a trial that is over: nobody needs their answers. Return whether there was one.

    That is a transaction of its own, because the end of a trial is in the audit log before these reviews are locked.
    """
    left = kept.take_left_over(tx)
    if left is None:
        return False
    name, keys = left
    reviews.withdraw(tx, keys, actor=PLATFORM, reason=f"{name.capitalize()} is over", now=now)
    return True


def _ask(tx: Tx, trial: TrafficTrial, one: DifferingDecision, key: UUID, due: timedelta, now: datetime) -> None:
    reviews.ask(
        tx,
        key=key,
        procedure_id=None,
        decision_id=one.id,
        automation=trial.automation,
        queue=_queue_of(tx, trial.automation),
        question=f"Which class is right? {trial.title} compares two versions, and counts your answer there only.",
        choices=one.classes,
        due=due,
        correlation_id=one.correlation_id,
        traceparent=None,
        now=now,
        blind=True,
    )


def _queue_of(tx: Tx, automation: str) -> str:
    """Return the queue of blind audits; that of reviews where none is named."""
    version = decisions.version_in_force(tx, automation) or decisions.newest_version(tx, automation)
    audit = declared_audit(version)
    queue: str = (audit and audit.queue) or version.description["review"]["queue"]
    return queue

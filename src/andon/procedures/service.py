"""Operations on procedures, each in the caller's transaction: look, send an event, cancel, resume, fork."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from andon import audit, reviews, tools
from andon.kernel import durable, reasons
from andon.kernel.db import Tx
from andon.kernel.durable import OVER, RunState
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.procedures import store
from andon.procedures.domain import ProcedureEvent, ProcedureRecord, TimelineEntry, Wait, beginnings, timeline
from andon.procedures.errors import (
    EventInvalid,
    EventKeyReused,
    ProcedureNotFound,
    ProcedureNotStopped,
    ProcedureOver,
    StepInvalid,
)

EVENT_LIMIT = 65_536
NAME_LIMIT = 200
_STOPPED = (RunState.CANCELLED, RunState.EXHAUSTED)


def page(
    tx: Tx,
    *,
    automations: Sequence[str] | None,
    state: RunState | None = None,
    name: str | None = None,
    limit: int = 50,
    before: UUID | None = None,
) -> list[ProcedureRecord]:
    """Procedures, newest first; only of the named automations unless that is None."""
    if not durable.is_set_up(tx):
        return []
    return store.page(tx, automations=automations, state=state, name=name, limit=limit, before=before)


def get(tx: Tx, procedure_id: UUID) -> ProcedureRecord:
    """One procedure. Raises ProcedureNotFound."""
    found = store.find(tx, procedure_id) if durable.is_set_up(tx) else None
    if found is None:
        raise ProcedureNotFound(f"No procedure {procedure_id}")
    return found


def of_decision(tx: Tx, decision_id: UUID) -> list[ProcedureRecord]:
    """Return the procedures that a decision started, oldest first."""
    return store.of_decision(tx, decision_id) if durable.is_set_up(tx) else []


def timeline_of(tx: Tx, procedure: ProcedureRecord) -> list[TimelineEntry]:
    """Return a procedure's history, step by step."""
    return timeline(
        durable.steps(tx, procedure.id),
        store.waits_of(tx, [procedure.id])[procedure.id],
        store.attempts_of(tx, procedure.id),
        over=procedure.state in OVER,
    )


def beginnings_of(tx: Tx, procedure: ProcedureRecord) -> range:
    """Return the steps that a fork of it may begin at."""
    return beginnings(durable.steps(tx, procedure.id))


def waiting_for(tx: Tx, found: Sequence[ProcedureRecord]) -> dict[UUID, Wait]:
    """Return what each of these procedures waits for, if it waits."""
    waiting = [procedure.id for procedure in found if procedure.state is RunState.WAITING]
    if not waiting:
        return {}
    return {procedure_id: waits[-1] for procedure_id, waits in store.waits_of(tx, waiting).items() if waits}


def result_of(tx: Tx, procedure: ProcedureRecord) -> tuple[Any, str | None]:
    """Return an ended procedure's result, or why it failed."""
    return durable.outcome_of(tx, procedure.id)


def events_of(tx: Tx, procedure_id: UUID) -> list[ProcedureEvent]:
    """Return the events sent to a procedure, oldest first."""
    return store.events_of(tx, procedure_id)


def log_of(tx: Tx, procedure_id: UUID) -> list[audit.AuditEntry]:
    """Return the audit entries of a procedure's cancels, resumes and forks, newest first."""
    return audit.page(tx, subject=f"procedure:{procedure_id}")


def send(
    tx: Tx, procedure_id: UUID, name: str, data: Any, *, key: str | None, actor: Actor, now: datetime
) -> tuple[ProcedureEvent, bool]:
    """Send an event to a procedure, which takes it when it waits for one of this name; return whether it was new.

    The same key again changes nothing. Raises ProcedureNotFound, ProcedureOver, EventKeyReused, EventInvalid.
    """
    _check_event(name, data, key)
    get(tx, procedure_id)
    state = durable.hold(tx, procedure_id)
    event_id = uuid7(now)
    event = ProcedureEvent(event_id, name, key or str(event_id), data, actor.name, now)
    written = next((one for one in store.events_of(tx, procedure_id) if one.key == event.key), None)
    if written is None:
        if state in OVER or state is None:
            raise ProcedureOver(f"Procedure {procedure_id} is {state}: nothing waits for {name!r} any more")
        written = store.add_event(tx, procedure_id, event)
        durable.wake(tx, [procedure_id])
        audit.record(
            tx,
            actor=actor,
            action="procedure.event",
            subject=f"procedure:{procedure_id}",
            at=now,
            after={"event": str(event_id), "name": name},  # without its data, which may be about a person
        )
        return written, True
    if (written.name, written.data) != (name, data):
        raise EventKeyReused(f"Another event was sent to this procedure under the key {event.key!r}")
    return written, False


def cancel(tx: Tx, procedure_id: UUID, *, actor: Actor, reason: str, now: datetime) -> ProcedureRecord:
    """Cancel a procedure where it is; nothing is undone, and it can be resumed.

    Raises ProcedureNotFound, ProcedureOver, ReasonInvalid.
    """
    reasons.require(reason)
    before = get(tx, procedure_id)
    if not durable.cancel(tx, procedure_id):
        raise ProcedureOver(f"Procedure {procedure_id} is {before.state}: there is nothing to stop")
    _record(tx, "procedure.cancel", before, RunState.CANCELLED, actor, reason, now)
    return get(tx, procedure_id)


def resume(tx: Tx, procedure_id: UUID, *, actor: Actor, reason: str, now: datetime) -> ProcedureRecord:
    """Resume a stopped procedure after its last step.

    Raises ProcedureNotFound, ProcedureNotStopped, ReasonInvalid.
    """
    reasons.require(reason)
    before = get(tx, procedure_id)
    if not durable.resume(tx, procedure_id):
        states = " or ".join(_STOPPED)
        raise ProcedureNotStopped(f"Procedure {procedure_id} is {before.state}: only a {states} one can be resumed")
    _record(tx, "procedure.resume", before, RunState.QUEUED, actor, reason, now)
    return get(tx, procedure_id)


def fork(tx: Tx, procedure_id: UUID, *, from_step: int, actor: Actor, reason: str, now: datetime) -> ProcedureRecord:
    """Begin a new procedure at a step of another, with the earlier steps as its own, on the current code.

    Raises ProcedureNotFound, StepInvalid, ReasonInvalid.
    """
    reasons.require(reason)
    original = get(tx, procedure_id)
    known = beginnings_of(tx, original)
    if from_step not in known:
        raise StepInvalid(f"Procedure {procedure_id} can be forked from one of its steps 1 to {known[-1]}")
    version = store.current_version(tx, original.name) or original.version
    new = replace(
        original,
        id=uuid7(now),
        version=version,
        started_at=now,
        forked_from=procedure_id,
        forked_at_step=from_step,
        run=None,
    )
    store.add(tx, new)
    store.copy_until(tx, procedure_id, new.id, from_step)
    durable.fork(tx, procedure_id, new.id, flow=new.flow, from_step=from_step)
    audit.record(
        tx,
        actor=actor,
        action="procedure.fork",
        subject=f"procedure:{procedure_id}",
        at=now,
        reason=reason,
        after={"procedure": str(new.id), "from_step": from_step, "version": version},
    )
    return get(tx, new.id)


def subscribe(events: Events) -> None:
    """Subscribe: the answer to a procedure's question resumes it, in the verdict's own transaction."""
    events.subscribe(reviews.QuestionAnswered, _answered)
    events.subscribe(reviews.VerdictGiven, _approved)


def _answered(tx: Tx, answered: reviews.QuestionAnswered) -> None:
    if answered.procedure_id is not None:
        durable.hold(tx, answered.procedure_id)
        durable.wake(tx, [answered.procedure_id])


def _approved(tx: Tx, given: reviews.VerdictGiven) -> None:
    """Wake the procedure whose call of a tool was approved or refused."""
    run = tools.run_of(tx, given.decision_id)
    if run is not None and durable.is_set_up(tx):
        durable.hold(tx, run)
        durable.wake(tx, [run])


def _check_event(name: str, data: Any, key: str | None) -> None:
    for what, value in (("name", name), ("key", key)):
        if value is not None and not (0 < len(value) <= NAME_LIMIT and value.isprintable()):
            raise EventInvalid(f"The {what} of an event is 1 to {NAME_LIMIT} printable characters")
    text = _written(data)
    if len(text) > EVENT_LIMIT:
        raise EventInvalid(f"The data of an event is at most {EVENT_LIMIT:,} bytes of JSON; this is {len(text):,}")
    if b"\\u0000" in text:
        raise EventInvalid("The data of an event is text: this holds a NUL")


def _written(data: Any) -> bytes:
    try:
        return json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise EventInvalid("The data of an event is text: this holds an unpaired surrogate") from None
    except ValueError:
        raise EventInvalid(
            "The data of an event is JSON, whose numbers are finite: this holds NaN or an infinite one"
        ) from None


def _record(
    tx: Tx, action: str, procedure: ProcedureRecord, after: RunState, actor: Actor, reason: str, now: datetime
) -> None:
    before: Mapping[str, Any] = {"state": procedure.state.value}
    audit.record(
        tx,
        actor=actor,
        action=action,
        subject=f"procedure:{procedure.id}",
        at=now,
        reason=reason,
        before=before,
        after={"state": after.value},
    )

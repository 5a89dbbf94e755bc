"""Operations on tool calls, each in the caller's transaction: keep, read, begin, finish and expire them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from andon import actions, cord, decisions, reviews
from andon.authoring import AGENT_CALLER, ActionSpec, Toolbox
from andon.cord import LineState
from andon.decisions import DELIVER_ACTION, Decision, DecisionRecord
from andon.kernel import outbox
from andon.kernel.db import Tx
from andon.kernel.errors import Fault
from andon.kernel.events import Events
from andon.kernel.identity import PLATFORM, Actor
from andon.policies import ALLOW, ASK
from andon.tools import store
from andon.tools.approving import follow_verdict, require_genuine, settled
from andon.tools.domain import CallState, ToolCall, decided, require_shallow
from andon.tools.errors import CallDelivered, PermitUnusable, ToolCallInvalid, ToolCallNotFound
from andon.tools.journal import record
from andon.tools.losing import follow_answer

RESULT_LIMIT = 262_144
EXPIRED_AT_ONCE = 500


def decided_call(box: Toolbox, made: Decision) -> ToolCall:
    """Return the call that follows from a decision made now."""
    ruling, request = made.judgement.ruling, made.request
    return decided(
        request.id,
        box,
        request.input,
        caller=request.caller,
        outcome=ruling.outcome,
        rule=ruling.rule,
        reasons=ruling.reasons,
        at=made.decided_at,
    )


def recorded_call(box: Toolbox, made: DecisionRecord) -> ToolCall:
    """Return the call that followed from a decision in the ledger."""
    row = made.row
    return decided(
        row.id,
        box,
        made.record["input"],
        caller=row.caller,
        outcome=row.outcome,
        rule=row.rule,
        reasons=tuple(made.record["policy"]["reasons"]),
        at=row.decided_at,
    )


def note(tx: Tx, call: ToolCall) -> ToolCall:
    """Keep a decided call. One that is kept already stays as it is. Return the call that is kept."""
    if store.add(tx, call):
        if call.is_vouched:
            record(tx, "tool.finish", call, Actor(call.caller), call.ended_at or call.asked_at)
        return call
    return get(tx, call.id, call.asked_at)


def get(tx: Tx, call_id: UUID, now: datetime) -> ToolCall:
    """Return one call in its current state. Raises ToolCallNotFound."""
    found = store.find(tx, call_id)
    if found is None:
        raise ToolCallNotFound(f"No call {call_id}")
    return _delivered(tx, settled(tx, found), now).at(now)


def find(tx: Tx, call_id: UUID) -> ToolCall | None:
    """Return one call as it is kept, or None."""
    return store.find(tx, call_id)


def page(
    tx: Tx,
    *,
    toolboxes: Sequence[str] | None,
    now: datetime,
    caller: str | None = None,
    state: CallState | None = None,
    run: str | None = None,
    limit: int = 50,
    before: UUID | None = None,
) -> list[ToolCall]:
    """Return calls, newest first, of the named toolboxes; None means all toolboxes."""
    found = store.page(tx, toolboxes=toolboxes, caller=caller, state=state, run=run, limit=limit, before=before)
    return [call.at(now) for call in found]


def counts(tx: Tx, toolbox: str) -> dict[tuple[str, CallState], int]:
    """Count the calls of a toolbox, by tool and state."""
    return store.counts(tx, toolbox)


def run_of(tx: Tx, call_id: UUID) -> UUID | None:
    """Return the procedure that made a call; None if a key made it, or there is no such call."""
    record = decisions.find(tx, call_id)
    if record is None or not record.row.caller.startswith(AGENT_CALLER):
        return None
    return UUID(record.record["input"]["run"])


def arguments_of(tx: Tx, call: ToolCall) -> Any:
    """Return the arguments of a call from the ledger; None if it has no such decision."""
    found = decisions.find(tx, call.id)
    return None if found is None else found.record["input"]["arguments"]


def review_of(tx: Tx, call: ToolCall) -> UUID | None:
    """Return the id of the review that asks about a call, once it is open."""
    review = reviews.of_decision(tx, call.id) if call.outcome == ASK else None
    return None if review is None else review.id


def question_of(tx: Tx, call: ToolCall) -> UUID | None:
    """Return the id of the review that asks whether a call happened, if its outcome is or may have been unknown."""
    asked = call.finish_by is not None or call.state is CallState.UNKNOWN
    found = reviews.find_question(tx, call.id) if asked else None
    return None if found is None else found.id


def held_back(tx: Tx, call: ToolCall) -> str | None:
    """Return why the line's current state forbids a call that was allowed before; None if it does not."""
    states = cord.states_in_force(tx, call.toolbox)
    state = states.of({"tool": call.tool, "agent": call.agent, "run": call.run})
    if state is LineState.STOPPED or (state is LineState.SUPERVISED and not call.by_person):
        return f"the line {call.toolbox} is {state}, so a call that was allowed before is not made now"
    return None


def begin(
    tx: Tx,
    call_id: UUID,
    digest: str,
    *,
    caller: str,
    via: ActionSpec | None = None,
    finisher: Toolbox | None = None,
    now: datetime,
) -> ToolCall:
    """Spend the permit of a call, exactly once. Raises ToolCallNotFound, PermitUnusable, RowsDoubted.

    Whether the call is allowed follows from the ledger or the verdict, not from its row, and from the line's state.
    With `via`, the outbox delivers it from then on, under the call's id. Otherwise the caller carries it out, and its
    toolbox (`finisher`) says how long that may take.
    """
    call = settled(tx, _own(tx, call_id, caller))
    begun = call.begun(digest, now)
    made = require_genuine(tx, call)
    held = held_back(tx, call)
    if held is not None:
        raise PermitUnusable(f"Call {call.id} of {call.tool} is not begun: {held}")
    if via is None and finisher is not None:
        begun = begun.watched(finisher.unfinished, finisher.review.queue, now)
    store.save(tx, begun)
    if via is not None:
        outbox.add(tx, [_delivery(begun, via, made, now)])
    record(tx, "tool.begin", begun, Actor(caller), now)
    return begun


def finish(
    tx: Tx,
    call_id: UUID,
    *,
    result: Any = None,
    error: str | None = None,
    sent: bool = True,
    caller: str,
    now: datetime,
) -> ToolCall:
    """Keep the end of a call that was begun. A repeat changes nothing.

    If a person was asked meanwhile whether it happened, the question is withdrawn.

    With an error and `sent` False, the call was never sent, and its permit can be spent again. Raises
    ToolCallNotFound, CallNotBegun, CallDelivered, ToolCallInvalid.
    """
    _check_result(result)
    call = _own(tx, call_id, caller)
    if outbox.find(tx, call.id) is not None:
        raise CallDelivered(f"Andon delivers call {call.id} of {call.tool}, so only its delivery ends it")
    same = (call.result, call.error) == (result, error)
    if call.state in (CallState.DONE, CallState.FAILED) and same:
        return call
    ended = call.ended(result, error, sent=sent, now=now)
    store.save(tx, ended)
    if call.state is CallState.UNKNOWN and call.finish_by is not None:
        why = f"The caller of {call.tool} reported how it ended: {ended.state}"
        reviews.withdraw(tx, [call.id], actor=Actor(caller), reason=why, now=now)
    record(tx, "tool.finish", ended, Actor(caller), now)
    return ended


def expire_due(tx: Tx, now: datetime) -> bool:
    """Mark the calls whose time is over as expired. Return whether there may be more."""
    expired = store.expire(tx, now, EXPIRED_AT_ONCE)
    for call in expired:
        if call.is_vouched:
            record(tx, "tool.expire", call, PLATFORM, now)
    return len(expired) == EXPIRED_AT_ONCE


def subscribe(events: Events) -> None:
    """Subscribe to verdicts, which give permits, and to answers, which settle unknown outcomes.

    Each is handled in the transaction of its event.
    """
    events.subscribe(reviews.VerdictGiven, follow_verdict)
    events.subscribe(reviews.QuestionAnswered, follow_answer)


def _delivered(tx: Tx, call: ToolCall, now: datetime) -> ToolCall:
    """Apply the end of the call's delivery, if it has ended. One that may have arrived is settled by a person."""
    message = outbox.find(tx, call.id) if _is_with_outbox(call) else None
    if message is None or message.state not in (outbox.MessageState.DONE, outbox.MessageState.DEAD):
        return call
    locked = store.find(tx, call.id, lock=True) or call
    if not _is_with_outbox(locked):
        return locked
    error = message.last_error or "it was given up" if message.state is outbox.MessageState.DEAD else None
    if error is not None and actions.get(tx, call.id).is_unknown:
        if locked.state is CallState.UNKNOWN:
            return locked
        ended = locked.doubted(error)
    else:
        ended = locked.ended(None, error, sent=True, now=now)
    store.save(tx, ended)
    record(tx, "tool.finish", ended, PLATFORM, now)
    return ended


def _is_with_outbox(call: ToolCall) -> bool:
    """Return whether a call may be a delivery of the outbox that has not ended yet, or has an unknown outcome."""
    return call.state is CallState.BEGUN or (call.state is CallState.UNKNOWN and call.finish_by is None)


def _own(tx: Tx, call_id: UUID, caller: str) -> ToolCall:
    """Return a call of this caller, locked. Raises ToolCallNotFound, also for a call of another caller."""
    call = store.find(tx, call_id, lock=True)
    if call is None or call.caller != caller:
        raise ToolCallNotFound(f"No call {call_id}")
    return call


def _delivery(call: ToolCall, via: ActionSpec, record: DecisionRecord, now: datetime) -> outbox.Message:
    """Return the message that delivers a call. Its content is read from the ledger when it is sent."""
    verdict = {} if call.answered_by is None else {"verdict": ALLOW}
    return outbox.Message(
        id=call.id,
        topic=DELIVER_ACTION,
        scope=call.toolbox,
        subject=call.id,
        payload={
            "action": call.tool,
            "connector": via.connector,
            "destination": via.destination,
            "options": dict(via.options),
            "outcome": ALLOW,
            **verdict,
        },
        correlation_id=record.row.correlation_id,
        traceparent=None,
        created_at=now,
        due_at=now,
    )


def _check_result(result: Any) -> None:
    require_shallow(result, "result")
    try:
        written = json.dumps(result, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        message = f"a result is JSON: {error}"
        raise ToolCallInvalid(message, faults=[Fault("result", message)]) from None
    if len(written) > RESULT_LIMIT:
        message = f"a result is at most {RESULT_LIMIT:,} characters of JSON; this is {len(written):,}"
        raise ToolCallInvalid(message, faults=[Fault("result", message)])

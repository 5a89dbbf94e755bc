"""Approvals of tool calls by people, and the proof that a permit is genuine."""

from datetime import datetime

from andon import access, audit, decisions, reviews
from andon.access import Role
from andon.decisions import DecisionRecord
from andon.kernel.db import Tx
from andon.kernel.identity import Actor
from andon.policies import ALLOW, DENY, REVIEW
from andon.tools import store
from andon.tools.domain import CallState, ToolCall
from andon.tools.errors import OwnApproval, PermitUnusable
from andon.tools.journal import vouch
from andon.tools.vouched import APPROVED


def follow_verdict(tx: Tx, given: reviews.VerdictGiven) -> None:
    """Give or refuse a permit by a verdict. Raises OwnApproval."""
    call = store.find(tx, given.decision_id, lock=True)
    if call is None:
        return
    require_other(tx, call, given.by)
    _answer(tx, call, given.outcome, given.by, given.at)


def require_other(tx: Tx, call: ToolCall, by: str) -> None:
    """Check that a reviewer neither made the call nor is an agent. Raises OwnApproval."""
    if by == call.caller:
        raise OwnApproval(f"{by} made this call, so somebody else has to answer")
    try:
        key = access.find_key(tx, by)
    except access.KeyNotFound:
        return  # a person at the command line
    if any(grant.role is Role.AGENT for grant in key.principal.grants):
        raise OwnApproval(f"{by} is the key of an agent, which cannot approve tool calls")


def settled(tx: Tx, call: ToolCall) -> ToolCall:
    """Apply a verdict that was given before the call was kept, because a process died between the two."""
    if call.state is not CallState.WAITING:
        return call
    review = reviews.of_decision(tx, call.id)
    if review is None or review.verdict is None:
        return call
    locked = store.find(tx, call.id, lock=True) or call
    verdict = review.verdict
    try:
        require_other(tx, locked, verdict.by)
    except OwnApproval:
        return _answer(tx, locked, DENY, verdict.by, verdict.at)
    return _answer(tx, locked, verdict.outcome, verdict.by, verdict.at)


def require_genuine(tx: Tx, call: ToolCall) -> DecisionRecord:
    """Check that the ledger or a genuine verdict allows a call. Raises PermitUnusable, RowsDoubted."""
    record = decisions.find(tx, call.id)
    if record is None:
        raise PermitUnusable(f"The ledger has no decision {call.id}")
    if record.row.outcome == ALLOW:
        return record
    review = reviews.of_decision(tx, call.id)
    if record.row.outcome != REVIEW or review is None or review.verdict is None or review.verdict.outcome != ALLOW:
        raise PermitUnusable(f"Nobody approved call {call.id}")
    row = APPROVED.row(call.id)
    doubted = audit.doubts(tx, APPROVED, [row])
    audit.tell_refused(APPROVED, doubted, scope=call.toolbox)
    for why in doubted.values():
        raise audit.RowsDoubted(f"The permit of call {call.id} is refused: {why}. Run `andon audit verify`")
    return record


def _answer(tx: Tx, call: ToolCall, outcome: str, by: str, at: datetime) -> ToolCall:
    answered = call.answered(outcome, by, at)
    if answered != call:
        store.save(tx, answered)
        vouch(tx, "tool.answer", answered, Actor(by), at)
    return answered

"""Approvals of tool calls by people, and the proof that a permit is genuine."""

from datetime import datetime, timedelta

from andon import access, audit, decisions, reviews
from andon.access import Role
from andon.decisions import DecisionRecord
from andon.kernel.db import Tx
from andon.kernel.identity import Actor
from andon.policies import ALLOW, DENY, REVIEW
from andon.tools import store
from andon.tools.domain import CallState, ToolCall, digest_of
from andon.tools.errors import OwnApproval, PermitUnusable
from andon.tools.journal import record
from andon.tools.vouched import PERMIT


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
    """Check that the ledger or a genuine verdict allows a call as its row has it. Raises PermitUnusable, RowsDoubted.

    The row of a call that nobody answered and that was never begun has no entry: then its decision says everything.
    """
    made = decisions.find(tx, call.id)
    if made is None:
        raise PermitUnusable(f"The ledger has no decision {call.id}")
    by_policy = made.row.outcome == ALLOW
    review = None if by_policy else reviews.of_decision(tx, call.id)
    approved = review is not None and review.verdict is not None and review.verdict.outcome == ALLOW
    if not by_policy and not (made.row.outcome == REVIEW and approved):
        raise PermitUnusable(f"Nobody approved call {call.id}")
    doubted = audit.doubts(tx, PERMIT, [PERMIT.row(call.id)], required=not by_policy)
    why = next(iter(doubted.values()), None) or _difference(tx, call, made, by_policy=by_policy)
    if why is not None:
        audit.tell_refused(PERMIT, {PERMIT.row(call.id).key: why}, scope=call.toolbox)
        raise audit.RowsDoubted(f"The permit of call {call.id} is refused: {why}. Run `andon audit verify`")
    return made


def _difference(tx: Tx, call: ToolCall, made: DecisionRecord, *, by_policy: bool) -> str | None:
    """Return which part of a row differs from the recorded decision; None if none does.

    Entries vouch for the time of a permit that a person gave; the version that decided says how long others last.
    """
    given = made.record["input"]
    decided = {
        "toolbox": made.row.automation,
        "tool": given["tool"],
        "digest": digest_of(given["arguments"]),
        "caller": made.row.caller,
    }
    if by_policy:
        version = decisions.version(tx, made.row.automation, made.row.automation_version)
        lasts = timedelta(seconds=version.description["approval_seconds"])
        decided["expires_at"] = made.row.decided_at + lasts
    wrong = [name for name, value in decided.items() if getattr(call, name) != value]
    return f"its {wrong[0]} differs from the recorded decision" if wrong else None


def _answer(tx: Tx, call: ToolCall, outcome: str, by: str, at: datetime) -> ToolCall:
    answered = call.answered(outcome, by, at)
    if answered != call:
        store.save(tx, answered)
        if answered.is_vouched:  # a verdict that came too late finds the call expired
            record(tx, "tool.answer", answered, Actor(by), at)
    return answered

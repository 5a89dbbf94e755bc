"""Audit entries about tool calls. For a call that a person answered, they vouch for its row."""

from datetime import datetime

from andon import audit
from andon.kernel.db import Tx
from andon.kernel.identity import Actor
from andon.tools.domain import ToolCall
from andon.tools.vouched import APPROVED


def vouch(tx: Tx, action: str, call: ToolCall, actor: Actor, at: datetime) -> None:
    """Record a change of a call that a person answered. The ledger alone proves the others."""
    if call.answered_by is not None:
        record(tx, action, call, actor, at)


def record(tx: Tx, action: str, call: ToolCall, actor: Actor, at: datetime, reason: str | None = None) -> None:
    """Write a change of a call to the audit log, which vouches for the row if a person answered the call."""
    after = {"state": call.state.value, "tool": call.tool, "digest": call.digest}
    row = APPROVED.row(call.id)
    rows = [] if call.answered_by is None else [row]
    audit.record(tx, actor=actor, action=action, subject=str(row), at=at, reason=reason, after=after, rows=rows)

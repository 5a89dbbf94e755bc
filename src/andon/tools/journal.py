"""The audit entries of tool calls."""

from datetime import datetime

from andon import audit
from andon.kernel.db import Tx
from andon.kernel.identity import Actor
from andon.tools.domain import ToolCall
from andon.tools.vouched import PERMIT


def record(tx: Tx, action: str, call: ToolCall, actor: Actor, at: datetime, reason: str | None = None) -> None:
    """Write a change of an answered or begun call to the audit log, which vouches for its row."""
    row = PERMIT.row(call.id)
    after = {"state": call.state.value, "tool": call.tool, "digest": call.digest, "uses": call.uses}
    audit.record(tx, actor=actor, action=action, subject=str(row), at=at, reason=reason, after=after, rows=[row])

"""All SQL about tool calls. It takes and returns domain objects, and never commits."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update

from andon.kernel.db import Tx
from andon.tools.domain import CallState, ToolCall
from andon.tools.tables import tool_calls

_CHANGES = (
    "state",
    "expires_at",
    "answered_by",
    "answered_at",
    "begun_at",
    "ended_at",
    "result",
    "error",
    "finish_by",
    "queue",
    "uses",
)

_DECIDED = ("id", "toolbox", "tool", "digest", "caller", "agent", "run", "outcome", "rule", "asked_at", "expires_at")
_ENDED = ("begun_at", "ended_at", "error", "uses")
_COLUMNS = (*_DECIDED, *_ENDED, "reasons", "state", "approval_seconds", "result")
_PLACES = ", ".join(["%s"] * len(_COLUMNS))
_ADD = f"INSERT INTO tool_calls ({', '.join(_COLUMNS)}) VALUES ({_PLACES}) ON CONFLICT DO NOTHING"
"""SQL for the driver itself, which takes a third of SQLAlchemy's time. Each governed step writes a row."""


def add(tx: Tx, call: ToolCall) -> bool:
    """Write a call that nobody has answered yet, unless it exists. Return whether it was new."""
    values = [getattr(call, name) for name in (*_DECIDED, *_ENDED)]
    result = None if call.result is None else json.dumps(call.result)
    values += [list(call.reasons), call.state.value, call.approval.total_seconds(), result]
    return tx.exec_driver_sql(_ADD, tuple(values)).rowcount == 1


def find(tx: Tx, call_id: UUID, *, lock: bool = False) -> ToolCall | None:
    """Return one call, or None. With `lock`, nobody else can change it until the transaction ends."""
    query = select(tool_calls).where(tool_calls.c.id == call_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _call(row)


def save(tx: Tx, call: ToolCall) -> None:
    """Update the row of a call with its changes."""
    changed = {name: getattr(call, name) for name in _CHANGES}
    tx.execute(update(tool_calls).where(tool_calls.c.id == call.id).values(changed | {"state": call.state.value}))


def page(
    tx: Tx,
    *,
    toolboxes: Sequence[str] | None,
    caller: str | None = None,
    state: CallState | None = None,
    run: str | None = None,
    limit: int,
    before: UUID | None = None,
) -> list[ToolCall]:
    """Return calls, newest first. A filter that is None matches any."""
    query = select(tool_calls)
    if toolboxes is not None:
        query = query.where(tool_calls.c.toolbox.in_(toolboxes))
    wanted = {"caller": caller, "state": state, "run": run}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(tool_calls.c[name] == value)
    if before is not None:
        query = query.where(tool_calls.c.id < before)
    return [_call(row) for row in tx.execute(query.order_by(tool_calls.c.id.desc()).limit(limit))]


def counts(tx: Tx, toolbox: str) -> dict[tuple[str, CallState], int]:
    """Count the calls of a toolbox, by tool and state."""
    query = select(tool_calls.c.tool, tool_calls.c.state, func.count()).where(tool_calls.c.toolbox == toolbox)
    rows = tx.execute(query.group_by(tool_calls.c.tool, tool_calls.c.state))
    return {(tool, CallState(state)): count for tool, state, count in rows}


def expire(tx: Tx, now: datetime, limit: int) -> list[ToolCall]:
    """Mark calls whose time is over as expired. Return them."""
    open_ = (CallState.ALLOWED.value, CallState.WAITING.value)
    due = (
        select(tool_calls.c.id)
        .where(tool_calls.c.state.in_(open_), tool_calls.c.expires_at <= now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = update(tool_calls).where(tool_calls.c.id.in_(due)).values(state=CallState.EXPIRED.value)
    return [_call(row) for row in tx.execute(statement.returning(tool_calls))]


def overdue(tx: Tx, now: datetime, limit: int) -> list[ToolCall]:
    """Return begun calls that were not finished in time, locked until the transaction ends."""
    due = select(tool_calls).where(tool_calls.c.state == CallState.BEGUN.value, tool_calls.c.finish_by <= now)
    return [_call(row) for row in tx.execute(due.limit(limit).with_for_update(skip_locked=True))]


def _call(row: Row[Any]) -> ToolCall:
    values = dict(row._mapping)
    approval = timedelta(seconds=values.pop("approval_seconds"))
    return ToolCall(
        **{**values, "reasons": tuple(values["reasons"]), "state": CallState(values["state"]), "approval": approval}
    )

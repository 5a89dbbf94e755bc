"""Chores of workers for tool calls."""

from datetime import timedelta

from andon.kernel.chores import Chore
from andon.tools import losing, service


def chores() -> list[Chore]:
    """Return the chores that expire unused permits, and that settle begun calls not finished in time."""
    every = timedelta(seconds=15)
    return [Chore("expire_tool_calls", every, service.expire_due), Chore("lose_tool_calls", every, losing.lose_due)]

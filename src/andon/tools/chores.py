"""Chores of workers for calls of tools."""

from datetime import timedelta

from andon.kernel.chores import Chore
from andon.tools import service


def chores() -> list[Chore]:
    """Return the chores that end calls whose time is over: permits that nobody used, and calls that nobody finished."""
    every = timedelta(seconds=15)
    return [Chore("expire_tool_calls", every, service.expire_due), Chore("lose_tool_calls", every, service.lose_due)]

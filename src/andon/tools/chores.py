"""Chores of workers for calls of tools."""

from datetime import timedelta

from andon.kernel.chores import Chore
from andon.tools import service


def chores() -> list[Chore]:
    """Return the chore that marks calls whose time is over."""
    return [Chore("expire_tool_calls", timedelta(seconds=15), service.expire_due)]

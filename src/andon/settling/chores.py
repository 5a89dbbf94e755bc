"""The chore of workers that asks about actions with an unknown outcome."""

from datetime import timedelta

from andon.kernel.chores import Chore
from andon.settling import service


def chores() -> list[Chore]:
    """Return the chore that opens a review for each action with an unknown outcome."""
    return [Chore("ask_about_actions", timedelta(seconds=5), service.ask_due)]

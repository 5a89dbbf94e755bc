"""Settling of actions with an unknown outcome: the review queue asks a person, whose answer settles the action.

A worker asks one question for each such dead letter. If the action is settled elsewhere, the question is withdrawn.
Start reading at `service.py`.
"""

from andon.settling.service import GIVE_UP, HAPPENED, SEND_AGAIN, ask_due, subscribe

__all__ = ["GIVE_UP", "HAPPENED", "SEND_AGAIN", "ask_due", "subscribe"]

"""Settling: an action whose outcome nobody knows is asked about in the review queue, and the answer settles it.

A worker asks one question for each such dead letter. What is settled elsewhere needs no answer: its question is
withdrawn. Start reading at `service.py`.
"""

from andon.settling.service import GIVE_UP, HAPPENED, SEND_AGAIN, ask_due, subscribe

__all__ = ["GIVE_UP", "HAPPENED", "SEND_AGAIN", "ask_due", "subscribe"]

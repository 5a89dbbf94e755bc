"""A label of a Gmail mailbox, by Gmail's API."""

from andon.adapters.gmail.service import GmailLabel

__all__ = ["GmailLabel"]

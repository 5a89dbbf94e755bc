"""Folders of a mailbox on an IMAP server as a source of events (extra `mail`)."""

from andon.adapters.imap.source import ImapSource

__all__ = ["ImapSource"]

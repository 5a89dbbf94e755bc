"""Errors of reading mails and of reaching them."""

from andon.kernel.errors import Invalid, NotFound, Unavailable


class MailUnreadable(Invalid):
    """This mail cannot be read."""


class MailboxUnavailable(Unavailable):
    """The mail server does not answer."""


class FolderMissing(NotFound):
    """There is no such folder."""

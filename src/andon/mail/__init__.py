"""Mails: bytes parsed into the data of an event, within limits, and access to the servers that hold them.

`parse` is pure and knows no server. The libraries of the extra `mail` are loaded on first use.
"""

from andon.mail.crossing import Crossing
from andon.mail.domain import Mail, MailAddress, MailAttachment, is_generated
from andon.mail.errors import FolderMissing, MailboxUnavailable, MailUnreadable
from andon.mail.limits import MailLimits
from andon.mail.parsing import identity, parse
from andon.mail.session import PORTS, Encryption, FolderStatus, ImapServer, MailHead, MailSession, is_loopback
from andon.mail.web import MailApi, OAuth, WebAnswer

__all__ = [
    "PORTS",
    "Crossing",
    "Encryption",
    "FolderMissing",
    "FolderStatus",
    "ImapServer",
    "Mail",
    "MailAddress",
    "MailApi",
    "MailAttachment",
    "MailHead",
    "MailLimits",
    "MailSession",
    "MailUnreadable",
    "MailboxUnavailable",
    "OAuth",
    "WebAnswer",
    "identity",
    "is_generated",
    "is_loopback",
    "parse",
]

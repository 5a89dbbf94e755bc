"""The post office of the demo: a real IMAP server for the bank's mailbox, and a server that catches sent mails."""

from andon_demo.postoffice.imap import PASSWORD, USER, Mailbox, MailServer
from andon_demo.postoffice.smtp import CaughtMail, MailCatcher

__all__ = ["PASSWORD", "USER", "CaughtMail", "MailCatcher", "MailServer", "Mailbox"]

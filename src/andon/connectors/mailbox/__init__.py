"""The connector that moves or flags a mail in its mailbox (extra `mail`)."""

from andon.actions.ports import Kind
from andon.connectors.mailbox.connector import MailboxConnector
from andon.connectors.mailbox.settings import MailboxOptions, MailboxSettings

KIND = Kind(
    summary="Move or flag a mail in its mailbox (extra mail).",
    connect=lambda surroundings: MailboxConnector(surroundings.connections),
    options=MailboxOptions,
    settings=MailboxSettings,
    needs_url=False,
)

__all__ = ["KIND", "MailboxConnector", "MailboxOptions", "MailboxSettings"]

"""Mailboxes described by the settings, and the sources that read their folders."""

from andon.attachments import AttachmentLimits
from andon.authoring import Trigger
from andon.bootstrap.brokers import adapter, connection_of, gmail_client, graph_client, imap_client
from andon.kernel.clock import Clock
from andon.kernel.config import Settings
from andon.kernel.connections import GmailConnection, GraphConnection, ImapConnection
from andon.kernel.db import Database
from andon.mail import MailApi, MailLimits
from andon.streams import MailReader, MoveReader, ReadsMails, Source
from andon.streams.sources import MailLogSource


def open_imap(settings: Settings, trigger: Trigger, automation: str, *, database: Database, clock: Clock) -> Source:
    """Open the folder that a trigger names. Raises SettingsInvalid."""
    reader = _reader(settings, trigger, automation, database, clock)
    return _source(settings, trigger, [trigger.options["folder"]], reader)


def open_graph(settings: Settings, trigger: Trigger, automation: str, *, database: Database, clock: Clock) -> Source:
    """Open the folder in Microsoft 365 that a trigger names. Raises SettingsInvalid."""
    connection, folder = connection_of(settings, trigger.connection, GraphConnection), trigger.options["folder"]
    service = adapter("graph").GraphFolder(MailApi(**graph_client(connection)), connection.user, folder)
    return MailLogSource(
        service,
        _reader(settings, trigger, automation, database, clock),
        database,
        mailbox=trigger.connection,
        folder=folder,
        poll_seconds=connection.poll_seconds,
    )


def open_gmail(settings: Settings, trigger: Trigger, automation: str, *, database: Database, clock: Clock) -> Source:
    """Open the label in Gmail that a trigger names. Raises SettingsInvalid."""
    connection, label = connection_of(settings, trigger.connection, GmailConnection), trigger.options["folder"]
    service = adapter("gmail").GmailLabel(MailApi(**gmail_client(connection)), connection.user, label, clock)
    return MailLogSource(
        service,
        _reader(settings, trigger, automation, database, clock),
        database,
        mailbox=trigger.connection,
        folder=label,
        poll_seconds=connection.poll_seconds,
    )


def open_folders(settings: Settings, trigger: Trigger) -> Source:
    """Open the folders that stand for classes. Raises SettingsInvalid."""
    return _source(settings, trigger, list(trigger.options), MoveReader(trigger.options))


def mail_limits(settings: Settings) -> MailLimits:
    """Return the limits of `[mail]`."""
    given = settings.mail
    return MailLimits(
        max_bytes=given.max_bytes,
        max_parts=given.max_parts,
        max_recipients=given.max_recipients,
        max_text=given.max_text,
    )


def attachment_limits(settings: Settings) -> AttachmentLimits:
    """Return the limits of `[attachments]`."""
    given = settings.attachments
    return AttachmentLimits(given.max_number, given.max_bytes, given.max_total_bytes)


def _reader(settings: Settings, trigger: Trigger, automation: str, database: Database, clock: Clock) -> MailReader:
    return MailReader(
        database,
        automation,
        trigger.connection,
        clock=clock,
        limits=mail_limits(settings),
        shelf=attachment_limits(settings),
    )


def _source(settings: Settings, trigger: Trigger, folders: list[str], reader: ReadsMails) -> Source:
    connection = connection_of(settings, trigger.connection, ImapConnection)
    server = imap_client(settings.root, connection)["server"]
    source: Source = adapter("imap").ImapSource(
        server, folders, reader, poll_seconds=connection.poll_seconds, idle=connection.idle
    )
    return source

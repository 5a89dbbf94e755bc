"""The connector of replies and forwarded mails. It stores a copy of each mail as a draft, and unmarks it once sent.

The mailbox therefore shows the outcome of a delivery: without a copy, nothing was sent; a copy that is not a draft
was accepted by the server. The outcome of a draft is unknown, and a person decides.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from andon.actions import (
    MailUnsendable,
    Template,
    ValueMissing,
    is_mail_address,
    sending_failure,
    sending_server,
    values_of,
)
from andon.actions.ports import Answer, AnswerKind, Delivery, Repeat
from andon.connectors.correspondence import sending
from andon.connectors.correspondence.letters import Envelope, forward, reply
from andon.connectors.correspondence.sending import SendingProgress
from andon.connectors.correspondence.settings import CorrespondenceOptions, CorrespondenceSettings
from andon.kernel.addresses import AddressRefused, Resolve, resolve
from andon.kernel.clock import Clock
from andon.kernel.http import default_tls
from andon.kernel.timed_threads import TimedThreads
from andon.mail import FolderMissing, ImapServer, MailboxUnavailable, MailSession, MailUnreadable

SESSIONS = 8
"""The most concurrent sessions in one mailbox: servers limit the connections of a user."""

MOST_FOLDERS = 200
"""The most folders that are searched for a mail that left the folder of its arrival."""

DAY = timedelta(days=1)

_DRAFT, _SEEN = "\\Draft", "\\Seen"


@dataclass(frozen=True, slots=True)
class _Mailbox:
    connection: str
    server: ImapServer
    sent: str


class CorrespondenceConnector:
    """Sends replies and forwarded mails. `tls` replaces the public certificate authorities."""

    repeat = Repeat.NEVER

    def __init__(
        self,
        connections: Mapping[str, Any],
        clock: Clock,
        *,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        self._connections = connections
        self._clock = clock
        self._tls = tls
        self._resolve = resolve
        self._threads: dict[str, TimedThreads] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """Send the mail, unless the mailbox shows that it was sent before."""
        progress = SendingProgress()
        try:
            async with asyncio.timeout(delivery.destination.timeout.total_seconds()):
                outgoing = await self._outgoing(delivery)
            return await self._in_session(delivery, lambda mailbox: self._send(mailbox, delivery, outgoing, progress))
        except (ValueMissing, MailUnsendable, MailUnreadable, FolderMissing) as error:
            return Answer(AnswerKind.REFUSED, str(error))
        except AddressRefused as refused:
            return delivery.destination.refuse_address(refused)
        except smtplib.SMTPAuthenticationError as error:
            return Answer(AnswerKind.FAILED, f"the server refused the login ({error.smtp_code})", error.smtp_code)
        except smtplib.SMTPResponseException as error:
            kind = AnswerKind.REFUSED if error.smtp_code >= 500 else AnswerKind.FAILED
            return Answer(kind, f"answered {error.smtp_code} to {progress.step}", error.smtp_code)
        except (smtplib.SMTPException, MailboxUnavailable, OSError, TimeoutError) as error:
            words, crossed = _words(error, delivery), progress.crossing.give_up()
            progress.cut()
            if progress.taken:
                return Answer(
                    AnswerKind.DELIVERED, f"the server accepted it; its copy is still marked as a draft ({words})", 250
                )
            if crossed:
                return Answer(AnswerKind.UNKNOWN, f"sent, but no answer came ({words})")
            return Answer(AnswerKind.FAILED, f"could not be sent ({words})")

    def can_inquire(self, delivery: Delivery) -> bool:
        """Return True: the mailbox holds a copy of each sent mail."""
        del delivery
        return True

    async def inquire(self, delivery: Delivery) -> Answer:
        """Look for the copy in the mailbox."""
        try:
            return await self._in_session(delivery, lambda mailbox: self._look(mailbox, delivery))
        except (ValueMissing, MailUnsendable) as error:
            return Answer(AnswerKind.FAILED, str(error))
        except (MailboxUnavailable, FolderMissing, TimeoutError) as error:
            return Answer(AnswerKind.UNKNOWN, _words(error, delivery))

    async def close(self) -> None:
        """Stop the threads; work in progress ends at its timeout."""
        threads, self._threads = self._threads, {}
        for each in threads.values():
            await asyncio.to_thread(each.close, wait=True)

    async def _in_session(self, delivery: Delivery, work: Callable[[_Mailbox], Answer]) -> Answer:
        """Run `work` once a session is free. Raises MailUnsendable, TimeoutError, and what `work` raises."""
        mailbox = self._mailbox(delivery)
        name = mailbox.connection
        if name not in self._threads:
            self._threads[name] = TimedThreads(SESSIONS, f"correspondence-{name}")
        seconds = delivery.destination.timeout.total_seconds()
        return await self._threads[name].run(lambda: work(mailbox), seconds=seconds)

    def _send(
        self, mailbox: _Mailbox, delivery: Delivery, outgoing: sending.Outgoing, progress: SendingProgress
    ) -> Answer:
        envelope = self._envelope(delivery)
        options, values = CorrespondenceOptions.model_validate(dict(delivery.options)), values_of(delivery)
        session = MailSession(mailbox.server)
        try:
            session.make(mailbox.sent)
            session.open(mailbox.sent, write=True)
            copies = session.find(envelope.message_id)
            if copies and not _are_drafts(session, copies):
                return Answer(AnswerKind.DELIVERED, "it was sent before", 250)
            raw = _original(session, _message_of(options, values), Template(options.source).fill(values))
            if options.do == "reply":
                letter, to = reply(raw, envelope)
                recipients = [to]
                self._require_few(session, delivery, mailbox, to, envelope)
            else:
                recipients = [Template(one).fill(values).strip() for one in options.to]
                if not all(map(is_mail_address, recipients)):
                    raise MailUnsendable("a recipient is not a mail address")
                letter = forward(raw, envelope, recipients)
            data = letter.as_bytes()
            if not copies:
                session.append(mailbox.sent, data, [_DRAFT, _SEEN])
            self._hand_over(session, mailbox, envelope, outgoing, recipients, data, progress)
        finally:
            session.close()
        return Answer(AnswerKind.DELIVERED, "the server took it", 250)

    def _hand_over(
        self,
        session: MailSession,
        mailbox: _Mailbox,
        envelope: Envelope,
        outgoing: sending.Outgoing,
        recipients: list[str],
        data: bytes,
        progress: SendingProgress,
    ) -> None:
        """Send the mail and unmark its copy; remove the copy if the mail was certainly not sent."""
        try:
            sending.send(outgoing, envelope.sender, recipients, data, progress)
        except BaseException as error:
            if progress.crossing.give_up() is False or isinstance(error, smtplib.SMTPResponseException):
                session.open(mailbox.sent, write=True)
                session.remove(session.find(envelope.message_id))
            raise
        session.open(mailbox.sent, write=True)
        session.flag(session.find(envelope.message_id), [_DRAFT], remove=True)

    def _look(self, mailbox: _Mailbox, delivery: Delivery) -> Answer:
        envelope = self._envelope(delivery)
        session = MailSession(mailbox.server)
        try:
            session.make(mailbox.sent)
            session.open(mailbox.sent)
            copies = session.find(envelope.message_id)
            if not copies:
                return Answer(AnswerKind.FAILED, f"asked: {mailbox.sent} holds no copy, so nothing was sent")
            if not _are_drafts(session, copies):
                return Answer(AnswerKind.DELIVERED, f"asked: {mailbox.sent} holds its copy")
        finally:
            session.close()
        return Answer(
            AnswerKind.UNKNOWN,
            f"its copy in {mailbox.sent} is still a draft: if it was not sent, delete the draft and send this again",
        )

    def _require_few(
        self, session: MailSession, delivery: Delivery, mailbox: _Mailbox, to: str, envelope: Envelope
    ) -> None:
        """Raise MailUnsendable if the address got its limit of replies within a day."""
        most = _settings(delivery).replies_a_day
        session.open(mailbox.sent, write=True)
        sent = session.sent_to(to, (envelope.at - DAY).date())
        if sum(head.at is not None and head.at > envelope.at - DAY for head in session.heads(sent).values()) >= most:
            raise MailUnsendable(f"{most} replies were sent to this address within a day (replies_a_day)")

    def _mailbox(self, delivery: Delivery) -> _Mailbox:
        destination = delivery.destination
        name = _settings(delivery).connection or destination.name
        found = self._connections.get(name) or {}
        server = found.get("server")
        if not isinstance(server, ImapServer):
            raise MailUnsendable(f'needs [connections.{name}] in andon.toml, with kind = "imap"')
        timeout = destination.timeout.total_seconds()
        return _Mailbox(name, replace(server, timeout=timeout), str(found.get("sent_folder", "Sent")))

    def _envelope(self, delivery: Delivery) -> Envelope:
        options, values = CorrespondenceOptions.model_validate(dict(delivery.options)), values_of(delivery)
        sender = _settings(delivery).sender
        if not is_mail_address(sender):
            raise MailUnsendable(
                f"[destinations.{delivery.destination.name}.correspondence] needs a sender, an address"
            )
        subject = None if options.subject is None else Template(options.subject).fill(values)
        text = Template(options.text).fill(values)
        return Envelope(str(delivery.key), delivery.automation, sender, text, subject, self._clock.now())

    async def _outgoing(self, delivery: Delivery) -> sending.Outgoing:
        """Return the server that sends. Raises AddressRefused, OSError, MailUnsendable."""
        destination, settings = delivery.destination, _settings(delivery)
        return sending.Outgoing(
            await sending_server(destination, settings, self._resolve),
            settings.encryption,
            settings.user,
            settings.password_env,
            self._tls or default_tls(),
            destination.timeout.total_seconds(),
        )


def _original(session: MailSession, message_id: str, source: str) -> bytes:
    """Return the original mail, whichever folder holds it now. Raises MailUnsendable."""
    others = [name for name in session.folders()[:MOST_FOLDERS] if name != source]
    for folder in (source, *others):
        try:
            session.open(folder)
        except FolderMissing:
            continue
        found = session.find(message_id)
        if found:
            mails = session.fetch(found[:1])
            if mails:
                return mails[found[0]]
    raise MailUnsendable("the mail is in no folder of the mailbox")


def _message_of(options: CorrespondenceOptions, values: Mapping[str, Any]) -> str:
    message = Template(options.message).fill(values).strip().strip("<>")
    if not message or not message.isprintable():
        raise MailUnsendable("the mail cannot be found without a message id")
    return message


def _are_drafts(session: MailSession, uids: list[int]) -> bool:
    return all(_DRAFT.lower() in flags for flags in session.flags(uids).values())


def _settings(delivery: Delivery) -> CorrespondenceSettings:
    return delivery.destination.settings_of("correspondence", CorrespondenceSettings)


def _words(error: Exception, delivery: Delivery) -> str:
    """Describe an error for people, never with a server's own text."""
    if "timed out" in str(error):
        return sending_failure(TimeoutError(), delivery.destination)
    return str(error) if isinstance(error, MailboxUnavailable) else sending_failure(error, delivery.destination)

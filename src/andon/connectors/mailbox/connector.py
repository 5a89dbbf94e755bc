"""The mailbox connector. It finds a mail by its message id; a mail that a person moved in the meantime stays there.

A move or a flag can be seen in the mailbox afterwards. A repeat therefore changes nothing, and an inquiry settles an
unknown outcome.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from andon.actions import Template, ValueMissing, values_of
from andon.actions.ports import Answer, AnswerKind, Delivery, Repeat
from andon.connectors.mailbox.settings import MailboxOptions, MailboxSettings
from andon.kernel.timed_threads import TimedThreads
from andon.mail import Crossing, FolderMissing, ImapServer, MailboxUnavailable, MailSession

SESSIONS = 8
"""The most concurrent sessions in one mailbox: servers limit the connections of a user."""


class NoChange(Exception):
    """A delivery cannot be carried out. The message holds no secret and no input."""


@dataclass(frozen=True, slots=True)
class _Change:
    """The change to make, and the mail to make it to."""

    do: str
    message: str
    source: str
    folder: str
    flags: tuple[str, ...]
    remove: bool
    make: bool


class MailboxConnector:
    """Moves and flags mails, with one session for each delivery."""

    repeat = Repeat.IDEMPOTENT

    def __init__(self, connections: Mapping[str, Any]) -> None:
        self._connections = connections
        self._threads: dict[str, TimedThreads] = {}

    async def deliver(self, delivery: Delivery) -> Answer:
        """Make the change, unless it was made already."""
        crossing = Crossing()

        def work(session: MailSession, change: _Change) -> Answer:
            return (_move if change.do == "move" else _flag)(session, change, crossing)

        try:
            return await self._in_session(delivery, work)
        except (ValueMissing, NoChange, FolderMissing) as error:
            return Answer(AnswerKind.REFUSED, str(error))
        except (MailboxUnavailable, TimeoutError) as error:
            words = _words(error, delivery)
            if crossing.give_up():
                return Answer(AnswerKind.UNKNOWN, f"requested, but the server did not answer ({words})")
            return Answer(AnswerKind.FAILED, f"nothing was done ({words})")

    def can_inquire(self, delivery: Delivery) -> bool:
        """Return True: the mailbox shows whether the change was made."""
        del delivery
        return True

    async def inquire(self, delivery: Delivery) -> Answer:
        """Look up the folder and the flags of the mail."""
        try:
            return await self._in_session(delivery, _look)
        except (ValueMissing, NoChange, FolderMissing) as error:
            return Answer(AnswerKind.FAILED, str(error))
        except (MailboxUnavailable, TimeoutError) as error:
            return Answer(AnswerKind.UNKNOWN, _words(error, delivery))

    async def close(self) -> None:
        """Stop the threads; work in progress ends at its timeout."""
        threads, self._threads = self._threads, {}
        for each in threads.values():
            await asyncio.to_thread(each.close, wait=True)

    async def _in_session(self, delivery: Delivery, work: Callable[[MailSession, _Change], Answer]) -> Answer:
        """Run `work` once a session is free. Raises ValueMissing, NoChange, MailboxUnavailable, TimeoutError."""
        name, server = self._server(delivery)
        change = _change(delivery)

        def run() -> Answer:
            session = MailSession(server)
            try:
                return work(session, change)
            finally:
                session.close()

        if name not in self._threads:
            self._threads[name] = TimedThreads(SESSIONS, f"mailbox-{name}")
        return await self._threads[name].run(run, seconds=delivery.destination.timeout.total_seconds())

    def _server(self, delivery: Delivery) -> tuple[str, ImapServer]:
        """Return the name of the connection, and the server with the destination's timeout. Raises NoChange."""
        destination = delivery.destination
        name = destination.settings_of("mailbox", MailboxSettings).connection or destination.name
        found = self._connections.get(name) or {}
        server = found.get("server")
        if not isinstance(server, ImapServer):
            raise NoChange(f'needs [connections.{name}] in andon.toml, with kind = "imap"')
        return name, replace(server, timeout=destination.timeout.total_seconds())


def _move(session: MailSession, change: _Change, crossing: Crossing) -> Answer:
    if change.make:
        session.make(change.folder)
    session.open(change.folder)
    if session.find(change.message):
        return Answer(AnswerKind.DELIVERED, f"it is in {change.folder}")
    session.open(change.source, write=True)
    uids = session.find(change.message)
    if not uids:
        raise NoChange(f"the mail is neither in {change.source} nor in {change.folder}: it was moved or deleted")
    crossing.cross()
    session.move(uids, change.folder)
    return Answer(AnswerKind.DELIVERED, f"moved to {change.folder}")


def _flag(session: MailSession, change: _Change, crossing: Crossing) -> Answer:
    uids = _found(session, change, write=True)
    crossing.cross()
    session.flag(uids, change.flags, remove=change.remove)
    return Answer(AnswerKind.DELIVERED, "flagged")


def _look(session: MailSession, change: _Change) -> Answer:
    if change.do == "flag":
        uids = _found(session, change)
        wanted = {flag.lower() for flag in change.flags}
        there = [wanted & found for found in session.flags(uids).values()]
        done = not any(there) if change.remove else all(found == wanted for found in there)
        return _answer(done, "asked: the flags are set as requested", "asked: the flags are not set as requested")
    session.open(change.folder)
    if session.find(change.message):
        return Answer(AnswerKind.DELIVERED, f"asked: it is in {change.folder}")
    session.open(change.source)
    if session.find(change.message):
        return Answer(AnswerKind.FAILED, f"asked: it is in {change.source}")
    return Answer(AnswerKind.UNKNOWN, f"asked: it is neither in {change.source} nor in {change.folder}")


def _found(session: MailSession, change: _Change, *, write: bool = False) -> list[int]:
    """Open the folder that holds the mail, and return its UIDs there. Raises NoChange."""
    session.open(change.source, write=write)
    uids = session.find(change.message)
    if not uids:
        raise NoChange(f"the mail is not in {change.source}")
    return uids


def _answer(done: bool, well: str, badly: str) -> Answer:
    return Answer(AnswerKind.DELIVERED, well) if done else Answer(AnswerKind.FAILED, badly)


def _change(delivery: Delivery) -> _Change:
    """Return the change, with values filled in. Raises ValueMissing, NoChange."""
    options, values = MailboxOptions.model_validate(dict(delivery.options)), values_of(delivery)
    change = _Change(
        options.do,
        Template(options.message).fill(values).strip().strip("<>"),
        Template(options.source).fill(values),
        Template(options.folder or "").fill(values),
        tuple(Template(flag).fill(values) for flag in options.flags),
        options.remove,
        delivery.destination.settings_of("mailbox", MailboxSettings).make_folders,
    )
    if not change.message or not change.message.isprintable():
        raise NoChange("the mail cannot be found without a message id")
    if not all(name.isprintable() for name in (change.source, change.folder, *change.flags)):
        raise NoChange("the name of a folder or flag holds characters that cannot be printed")
    return change


def _words(error: Exception, delivery: Delivery) -> str:
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return f"timeout after {delivery.destination.timeout.total_seconds():g} s"
    return str(error)

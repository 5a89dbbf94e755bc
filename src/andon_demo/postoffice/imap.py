"""An IMAP server in a process of its own (pymap, in memory), and a mailbox in it that the demo's people use."""

import imaplib
import importlib.util
import re
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType

from andon_demo.line import LineFailed, free_ports, wait_for

USER, PASSWORD = "support", "harbour-demo"
INSTALL = "pip install pymap"

_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>]*>)", re.IGNORECASE | re.MULTILINE)


class MailServer:
    """The server, on a free port of this machine, for the length of the context. Raises LineFailed."""

    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "MailServer":
        if importlib.util.find_spec("pymap") is None:
            raise LineFailed(f"This story needs an IMAP server, which is not installed: {INSTALL}")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "andon_demo.postoffice.server", str(self.port), USER, PASSWORD],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.port, self._process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)


class Mailbox:
    """A connection to the mailbox. Not for several threads at once."""

    def __init__(self, port: int) -> None:
        self._imap = imaplib.IMAP4("127.0.0.1", port, timeout=30)
        self._imap.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._imap.login(USER, PASSWORD)
        self._selected = ""

    def make_folders(self, names: Sequence[str]) -> None:
        """Create folders."""
        for name in names:
            _done(self._imap.create(_quoted(name)))

    def deliver(self, raw: bytes) -> None:
        """Deliver a mail to the inbox."""
        _done(self._imap.append("INBOX", None, None, raw))

    def messages(self, folder: str, after: int = 0) -> Mapping[int, str]:
        """Return the Message-IDs in a folder by UID, for UIDs above `after`."""
        self._select(folder)
        _, found = self._imap.uid("FETCH", f"{after + 1}:*", "(UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
        known = {}
        for one in found or []:
            if isinstance(one, tuple):
                uid, identifier = re.search(rb"UID (\d+)", one[0]), _MESSAGE_ID.search(one[1])
                if uid is not None and identifier is not None:
                    known[int(uid[1])] = identifier[1].decode()
        return {uid: name for uid, name in known.items() if uid > after}

    def move(self, folder: str, uid: int, to: str) -> None:
        """Move a mail to another folder."""
        self._select(folder)
        _done(self._imap.uid("MOVE", str(uid), _quoted(to)))

    def flag(self, folder: str, uid: int, flag: str) -> None:
        """Set a flag of a mail."""
        self._select(folder)
        _done(self._imap.uid("STORE", str(uid), "+FLAGS.SILENT", f"({flag})"))

    def close(self) -> None:
        """Log out."""
        with suppress(imaplib.IMAP4.error, OSError):
            self._imap.logout()

    def __enter__(self) -> "Mailbox":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _select(self, folder: str) -> None:
        if self._selected == folder:
            _done(self._imap.noop())  # which lets the server announce new mails
        else:
            _done(self._imap.select(_quoted(folder)))
            self._selected = folder


def _quoted(folder: str) -> str:
    return f'"{folder}"'


def _done(answer: tuple[str, object]) -> None:
    if answer[0] != "OK":
        raise LineFailed(f"The mailbox refused a command: {answer}")

"""Mails per second from a real IMAP server: Andon's source against loops that anybody would write, each in two forms.

One form fetches the bytes of the mails. The other parses them as well, as every decision on a mail requires:
Andon with its own parser, the loop with Python's library. All sides read the same mails, in turns, over connections of
their own; the median of the rounds counts. The server is Dovecot where it is installed, else the one of the demo.
"""

import asyncio
import imaplib
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes, policy

from pydantic import SecretStr
from tests import dovecots

from andon.adapters.imap import ImapSource
from andon.mail import ImapServer, MailLimits, MailUnreadable, parse
from andon.streams import Arrival, RawMail
from andon_demo.postoffice import PASSWORD, USER, MailServer

MAILS, ROUNDS, AT_ONCE = 1_000, 5, 100


@dataclass(frozen=True, slots=True)
class Rates:
    """Mails per second: by Andon and by a bare loop, fetched only and also parsed."""

    server: str
    fetched: float
    fetched_bare: float
    parsed: float
    parsed_bare: float


class Counting:
    """Reads mails as they are, and keeps nothing."""

    section = ""
    max_bytes = MailLimits().max_bytes

    def arrivals(self, found: Sequence[RawMail]) -> list[Arrival]:
        """Return an arrival for each mail."""
        return [Arrival(one.position, b"{}") for one in found]


class Parsing(Counting):
    """Parses mails as a line does, and keeps nothing."""

    def arrivals(self, found: Sequence[RawMail]) -> list[Arrival]:
        """Return an arrival for each mail."""
        for one in found:
            with suppress(MailUnreadable):
                parse(one.data)
        return super().arrivals(found)


def measure(mails: Sequence[bytes]) -> Rates:
    """Fill a mailbox and read it with each side, in turns."""
    with _server() as (name, port, user, password):
        _fill(port, user, password, mails[:MAILS])
        server = ImapServer(host="127.0.0.1", port=port, user=user, password=SecretStr(password), encryption="none")
        sides: dict[str, Callable[[], int]] = {
            "fetched": lambda: asyncio.run(_by_andon(server, Counting())),
            "fetched_bare": lambda: _bare(port, user, password),
            "parsed": lambda: asyncio.run(_by_andon(server, Parsing())),
            "parsed_bare": lambda: _bare(port, user, password, _read),
        }
        rates: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(ROUNDS):
            for side, work in sides.items():
                began = time.perf_counter()
                rates[side].append(work() / (time.perf_counter() - began))
    return Rates(name, **{side: statistics.median(found) for side, found in rates.items()})


async def _by_andon(server: ImapServer, reader: Counting) -> int:
    source = ImapSource(server, ["INBOX"], reader, idle=False)
    try:
        (partition,) = await source.partitions()
        position, read = await source.start(partition), 0
        while found := await source.read(partition, position, most=AT_ONCE, wait=0.0):
            read, position = read + len(found), found[-1].position + 1
        return read
    finally:
        await source.close()


def _bare(port: int, user: str, password: str, read: Callable[[bytes], object] = len) -> int:
    client = _client(port, user, password)
    client.select("INBOX", readonly=True)
    _, (found,) = client.uid("SEARCH", "ALL")
    fetched = 0
    for uid in found.split():
        _, answer = client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")
        for one in answer:
            if isinstance(one, tuple):
                read(one[1])
                fetched += 1
    client.logout()
    return fetched


def _read(raw: bytes) -> None:
    """Read a mail as a program without a parser of its own would."""
    mail = message_from_bytes(raw, policy=policy.default)
    with suppress(LookupError, ValueError, AttributeError):
        body = mail.get_body(("plain", "html"))
        _ = mail["Subject"], mail["From"], mail["To"], mail["Date"], body and body.get_content()


def _fill(port: int, user: str, password: str, mails: Sequence[bytes]) -> None:
    client = _client(port, user, password)
    for raw in mails:
        client.append("INBOX", "", "", raw)
    client.logout()


def _client(port: int, user: str, password: str) -> imaplib.IMAP4:
    client = imaplib.IMAP4("127.0.0.1", port, timeout=60)
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.login(user, password)
    return client


@contextmanager
def _server() -> Iterator[tuple[str, int, str, str]]:
    """Run a server and return its name, its port and its account."""
    if dovecots.dovecot_program() is None:
        with MailServer() as server:
            yield "pymap", server.port, USER, PASSWORD
        return
    with dovecots.a_dovecot() as dovecot:
        yield "Dovecot", dovecot.port, dovecots.a_user(), dovecots.PASSWORD

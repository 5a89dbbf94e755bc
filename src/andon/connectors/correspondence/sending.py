"""One mail by SMTP on a connection of its own, in a thread. Blocking."""

import smtplib
import socket
import ssl
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import SecretStr

from andon.actions import SendingServer
from andon.mail import Crossing


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The server that sends, and what it is told."""

    server: SendingServer
    encryption: str
    user: str | None
    password: SecretStr | None
    trust: ssl.SSLContext
    timeout: float


@dataclass(slots=True)
class SendingProgress:
    """How far an attempt got: the last thing that was asked of a server, and whether the mail was taken."""

    step: str = "the mailbox"
    taken: bool = False
    crossing: Crossing = field(default_factory=Crossing)
    client: smtplib.SMTP | None = None

    def cut(self) -> None:
        """End the connection under a thread that waits for an answer."""
        connected = self.client.sock if self.client is not None else None
        if connected is not None:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


def send(server: Outgoing, sender: str, recipients: Sequence[str], message: bytes, progress: SendingProgress) -> None:
    """Send. Raises what smtplib does, and MailboxUnavailable if nobody waits for it any more."""
    client = _TlsClient(server) if server.encryption == "tls" else _Client(server)
    progress.client = client
    try:
        client.ehlo()
        if server.encryption == "starttls":
            progress.step = "STARTTLS"
            client.starttls(context=server.trust)
            client.ehlo()
        if server.user is not None and server.password is not None:
            progress.step = "the login"
            client.login(server.user, server.password.get_secret_value())
        progress.step = "the sender"
        _expect(client.mail(sender))
        for recipient in recipients:
            progress.step = "a recipient"
            _expect(client.rcpt(recipient))
        progress.step = "the text"
        progress.crossing.cross()
        _expect(client.data(message))
        progress.taken = True
        with suppress(smtplib.SMTPException, OSError):
            client.quit()
    finally:
        _end(client)


def _end(client: smtplib.SMTP) -> None:
    """End a connection at once, so that a server which did not answer does not keep it either."""
    if client.sock is not None:
        with suppress(OSError):
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class _Client(smtplib.SMTP):
    """Connects to the addresses that were checked."""

    def __init__(self, server: Outgoing) -> None:
        self._outgoing = server
        super().__init__(server.server.host, server.server.port, timeout=server.timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del host
        failed: OSError | None = None
        for address in self._outgoing.server.addresses:
            try:
                return socket.create_connection((address, port), timeout)
            except OSError as error:
                failed = error
        raise failed or OSError("no address")


class _TlsClient(_Client):
    """The same with TLS from the beginning."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._outgoing.trust.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)


def _expect(answer: tuple[int, bytes]) -> None:
    code, words = answer
    if code not in (250, 251):
        raise smtplib.SMTPResponseException(code, words)

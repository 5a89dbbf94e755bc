"""Sending one mail by SMTP, with a connection of its own. It blocks, so it runs in a thread."""

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
    """The server that sends, and how to connect to it."""

    server: SendingServer
    encryption: str
    user: str | None
    password: SecretStr | None
    trust: ssl.SSLContext
    timeout: float


@dataclass(slots=True)
class SendingProgress:
    """The progress of an attempt: the last step begun, and whether the server accepted the mail."""

    step: str = "the mailbox"
    taken: bool = False
    crossing: Crossing = field(default_factory=Crossing)
    client: smtplib.SMTP | None = None

    def cut(self) -> None:
        """Shut down the connection, so that a thread waiting for an answer ends."""
        connected = self.client.sock if self.client is not None else None
        if connected is not None:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


def send(server: Outgoing, sender: str, recipients: Sequence[str], message: bytes, progress: SendingProgress) -> None:
    """Send the mail. Raises what smtplib raises, and MailboxUnavailable if the attempt was given up."""
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
    """Reset the connection, so that a server that does not answer drops it too."""
    if client.sock is not None:
        with suppress(OSError):
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class _Client(smtplib.SMTP):
    """An SMTP client that connects to the checked addresses only."""

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
    """The same, with TLS from the first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._outgoing.trust.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)


def _expect(answer: tuple[int, bytes]) -> None:
    code, words = answer
    if code not in (250, 251):
        raise smtplib.SMTPResponseException(code, words)

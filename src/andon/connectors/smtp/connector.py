"""One mail per delivery, on a connection of its own.

Until the server has received the text, it certainly has nothing; after that it may have the mail, until it confirms.
Servers ignore Message-IDs, so a repeat can be a second mail: an unknown outcome is left to a person unless the
destination is configured otherwise.
"""

import asyncio
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime
from typing import cast

import aiosmtplib

from andon.actions import (
    MailUnsendable,
    SendingServer,
    Template,
    ValueMissing,
    is_mail_address,
    sending_failure,
    sending_server,
    values_of,
)
from andon.actions.ports import Answer, AnswerKind, Delivery, Destination, Repeat
from andon.connectors.smtp.settings import SmtpOptions, SmtpSettings
from andon.kernel.addresses import AddressRefused, Resolve, resolve
from andon.kernel.clock import Clock
from andon.kernel.http import default_tls


class SmtpConnector:
    """Sends mail. `tls` replaces the public certificate authorities."""

    repeat = Repeat.NEVER

    def __init__(self, clock: Clock, *, tls: ssl.SSLContext | None = None, resolve: Resolve = resolve) -> None:
        self._clock = clock
        self._tls = tls
        self._resolve = resolve

    async def deliver(self, delivery: Delivery) -> Answer:
        """Send the mail once."""
        destination = delivery.destination
        progress = _Progress()
        try:
            message, recipients = self._message(delivery)
            async with asyncio.timeout(destination.timeout.total_seconds()):
                await self._send(destination, message, recipients, progress)
        except (ValueMissing, MailUnsendable) as error:
            return Answer(AnswerKind.REFUSED, str(error))
        except AddressRefused as refused:
            return destination.refuse_address(refused)
        except aiosmtplib.SMTPAuthenticationError as error:
            return Answer(AnswerKind.FAILED, f"the server refused the login ({error.code})", error.code)
        except aiosmtplib.SMTPResponseException as error:
            kind = AnswerKind.REFUSED if error.code >= 500 else AnswerKind.FAILED
            return Answer(kind, f"answered {error.code} to {progress.step}", error.code)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            if progress.step == "taken":
                return Answer(AnswerKind.DELIVERED, "the server took it", 250)
            words = sending_failure(error, destination)
            if progress.step == "the text":
                return Answer(AnswerKind.UNKNOWN, f"sent, but no answer came ({words})")
            return Answer(AnswerKind.FAILED, f"could not be sent ({words})")
        return Answer(AnswerKind.DELIVERED, "the server took it", 250)

    async def close(self) -> None:
        """Do nothing: no connection is kept open."""

    async def _send(
        self, destination: Destination, message: EmailMessage, recipients: list[str], progress: "_Progress"
    ) -> None:
        settings = destination.settings_of("smtp", SmtpSettings)
        found = await sending_server(destination, settings, self._resolve)
        connected = await self._connect(found)
        server = aiosmtplib.SMTP(
            hostname=found.host,
            sock=connected,
            use_tls=settings.encryption == "tls",
            start_tls=False,
            tls_context=self._trust(),
            timeout=None,
        )
        beneath: asyncio.BaseTransport | None = None
        try:
            await server.connect()
            beneath = server.transport
            await server.ehlo()
            if settings.encryption == "starttls":
                progress.step = "STARTTLS"
                await server.starttls(server_hostname=found.host, tls_context=self._trust())
                await server.ehlo()
            if settings.user is not None and settings.password_env is not None:
                progress.step = "the login"
                await server.login(settings.user, settings.password_env.get_secret_value())
            progress.step = "the sender"
            await server.mail(settings.sender)
            for recipient in recipients:
                progress.step = "a recipient"
                await server.rcpt(recipient)
            progress.step = "the text"
            await server.data(message.as_bytes())
            progress.step = "taken"
            with suppress(aiosmtplib.SMTPException):
                await server.quit()
        finally:
            beneath = beneath or server.transport  # if it got no greeting
            server.close()  # as quit() does: starts the closing handshake, without waiting for it
            if beneath is not None:
                cast(asyncio.WriteTransport, beneath).abort()
            await asyncio.sleep(0)  # it closes on the next turn of the loop

    async def _connect(self, server: SendingServer) -> socket.socket:
        """Return a connection to a checked address. Raises OSError."""
        failed: OSError | None = None
        for address in server.addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            connected = socket.socket(family, socket.SOCK_STREAM)
            connected.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(connected, (address, server.port))
            except BaseException as error:
                connected.close()
                if not isinstance(error, OSError):
                    raise
                failed = error  # nobody there: the next address of the host may answer
            else:
                return connected
        raise failed or OSError("no address")

    def _trust(self) -> ssl.SSLContext:
        return self._tls or default_tls()

    def _message(self, delivery: Delivery) -> tuple[EmailMessage, list[str]]:
        """Return the mail and its recipients. Raises ValueMissing, MailUnsendable."""
        name = delivery.destination.name
        settings = delivery.destination.settings_of("smtp", SmtpSettings)
        if not settings.sender:
            raise MailUnsendable(f"[destinations.{name}.smtp] needs a sender")
        options, values = SmtpOptions.model_validate(dict(delivery.options)), values_of(delivery)
        recipients = [Template(one).fill(values).strip() for one in options.to]
        if not all(map(is_mail_address, recipients)):
            raise MailUnsendable("a recipient is not a mail address")
        message = EmailMessage()
        try:
            message["From"] = settings.sender
            message["To"] = ", ".join(recipients)
            message["Subject"] = " ".join(Template(options.subject).fill(values).split())
            message["Date"] = format_datetime(self._clock.now())
            message["Message-ID"] = f"<{delivery.key}@{settings.sender.rpartition('@')[2]}>"
            message["X-Correlation-ID"] = " ".join(delivery.correlation_id.split())
            message.set_content(Template(options.text).fill(values))
        except (ValueError, MessageError) as error:
            raise MailUnsendable(f"no mail can be built from it ({type(error).__name__})") from None
        return message, recipients


@dataclass(slots=True)
class _Progress:
    """The last command sent to the server."""

    step: str = "the connection"

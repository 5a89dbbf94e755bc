"""A real SMTP server on loopback (aiosmtpd) that keeps each mail by its Message-ID, with planned faults.

It may require STARTTLS and a login.
"""

import asyncio
import email
import socket
import ssl
from collections import deque
from email.message import Message
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Mailbox:
    """Listens on a free `port` of 127.0.0.1 while the context lasts."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, password: str | None = None) -> None:
        self.mails: list[Message] = []
        self.recipients: list[list[str]] = []
        self._plan: deque[str] = deque()
        options: dict[str, Any] = {}
        if tls is not None:
            options = {"tls_context": tls, "require_starttls": True}
        if password is not None:
            options |= {"auth_required": True, "authenticator": self._authenticate}
        self._password = password
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)

    def plan(self, *behaviours: str) -> None:
        """For the next mails, one each: an answer such as `451 busy`, `silence`, or `hang up`."""
        self._plan.extend(behaviours)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail."""
        behaviour = self._plan.popleft() if self._plan else "250 taken"
        if behaviour[0] in "45":
            return behaviour
        assert isinstance(envelope.content, bytes)
        self.mails.append(email.message_from_bytes(envelope.content))
        self.recipients.append(list(envelope.rcpt_tos))
        if behaviour == "silence":
            await asyncio.sleep(30)
        if behaviour == "hang up":
            assert server.transport is not None
            server.transport.abort()
        return "250 taken"

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        known = isinstance(data, LoginPassword) and data.password == (self._password or "").encode()
        return AuthResult(success=known, handled=False)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._controller.stop()

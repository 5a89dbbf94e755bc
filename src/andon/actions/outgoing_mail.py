"""Shared parts of connectors that send mail: the settings and addresses of their server, and valid addresses."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from andon.actions.ports import Destination, Shape
from andon.kernel.addresses import Resolve, refuse_private
from andon.kernel.secrets import SecretFrom

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class MailUnsendable(Exception):
    """A mail cannot be sent as it is. The message holds no secret and no input."""


class SendingSettings(Shape):
    """The sender, and the settings of the connection to its server."""

    sender: str = Field("", description="The sender's address; required.")
    encryption: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`starttls` (usually port 587), `tls` from the beginning (465), or `none`."
    )
    user: str | None = Field(None, description="The user name at the sending server.")
    password_env: SecretFrom | None = Field(None, description="Environment variable with the password.")

    @model_validator(mode="after")
    def _keeps_its_password(self) -> Self:
        if (self.user is None) != (self.password_env is None):
            raise ValueError("user and password_env go together")
        if self.password_env is not None and self.encryption == "none":
            raise ValueError("a password is not sent without encryption")
        return self


@dataclass(frozen=True, slots=True)
class SendingServer:
    """The server that sends, with the addresses of its host that may be connected to."""

    host: str
    port: int
    addresses: Sequence[str]


async def sending_server(destination: Destination, settings: SendingSettings, resolve: Resolve) -> SendingServer:
    """Return the server of a destination. Raises AddressRefused, OSError, MailUnsendable."""
    parts = urlsplit(destination.url)
    if parts.scheme != "smtp" or not parts.hostname:
        raise MailUnsendable(f"[destinations.{destination.name}] cannot be used: its url is not smtp:// with a host")
    port = parts.port or _PORTS[settings.encryption]
    addresses = await resolve(parts.hostname, port)
    if not destination.allow_private:
        refuse_private(addresses)
    return SendingServer(parts.hostname, port, addresses)


def is_mail_address(text: str) -> bool:
    """Return whether a text is one plain address that cannot add a recipient."""
    local, _, domain = text.rpartition("@")
    return bool(local and domain) and text.isascii() and text.isprintable() and not set(text) & set(' ,;<>"()[]\\:')


def sending_failure(error: Exception, destination: Destination) -> str:
    """Describe an error for people, never in the words of a server."""
    if isinstance(error, TimeoutError):
        return f"timeout after {destination.timeout.total_seconds():g} s"
    if isinstance(error, socket.gaierror):
        return f"no address for host {urlsplit(destination.url).hostname}"
    return type(error).__name__

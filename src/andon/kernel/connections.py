"""`[connections.NAME]`: servers that triggers read from and actions write to, one class for each kind.

Secrets are named here, never written: `secret_env` is an environment variable (or the file that `..._FILE` names).
"""

import os
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from andon.kernel.environment import Section, secret_of
from andon.kernel.places import Host, HttpAddress, is_address


class _Connection(Section):
    user: str | None = Field(None, description="The user name on this server.")
    secret_env: str | None = Field(None, description="Name of the environment variable that holds the password.")

    def secret(self, environment: Mapping[str, str] = os.environ) -> SecretStr | None:
        """Return the password or token. Raises SettingsInvalid if it is named but not set."""
        return secret_of(self.secret_env, "connections", environment)


class _Trusting(_Connection):
    ca_file: str | None = Field(None, description="PEM file of the authorities to trust, relative to andon.toml.")
    certificate_file: str | None = Field(None, description="PEM file of the client certificate.")
    key_file: str | None = Field(None, description="PEM file of the client certificate's key.")

    @model_validator(mode="after")
    def _has_both(self) -> "_Trusting":
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("set certificate_file and key_file together")
        return self


class KafkaConnection(_Trusting):
    """A Kafka cluster (extra `kafka`)."""

    kind: Literal["kafka"] = Field(description="`kafka`.")
    servers: list[str] = Field(min_length=1, description="The brokers to contact first, as `host:port`.")
    tls: bool = Field(False, description="Whether the connection uses TLS; required for ca_file and certificate_file.")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="SASL mechanism; needs user and secret_env."
    )
    group: str | None = Field(
        None,
        description="Consumer group whose offsets Andon commits to the broker every few seconds, for tools that show "
        "lag. Andon never reads them.",
    )

    @field_validator("servers")
    @classmethod
    def _are_addresses(cls, servers: list[str]) -> list[str]:
        for server in servers:
            host, _, port = server.rpartition(":")
            if not host or not port.isdigit() or "/" in host:
                raise ValueError("a broker must be host:port")
        return servers

    @model_validator(mode="after")
    def _is_whole(self) -> "KafkaConnection":
        asked = (self.mechanism, self.user, self.secret_env)
        if any(asked) and not all(asked):
            raise ValueError("set mechanism, user and secret_env together")
        if not self.tls and (self.ca_file or self.certificate_file):
            raise ValueError("ca_file and certificate_file need tls = true")
        return self


class NatsConnection(_Trusting):
    """A NATS server or cluster with JetStream (extra `nats`)."""

    kind: Literal["nats"] = Field(description="`nats`.")
    servers: list[str] = Field(min_length=1, description="`nats://host:port`, or `tls://host:port`.")
    secret_env: str | None = Field(
        None, description="Name of the environment variable that holds the password or, without a user, the token."
    )
    credentials_file: str | None = Field(
        None,
        description="File with the user's JWT and seed (`.creds`), relative to andon.toml; instead of user and secret.",
    )

    @field_validator("servers")
    @classmethod
    def _are_addresses(cls, servers: list[str]) -> list[str]:
        for server in servers:
            _expect(server, ("nats", "tls"))
        return servers

    @model_validator(mode="after")
    def _is_whole(self) -> "NatsConnection":
        if self.credentials_file and (self.user or self.secret_env):
            raise ValueError("set credentials_file, or user and secret_env, not both")
        if self.user and not self.secret_env:
            raise ValueError("user needs secret_env")
        return self


class ImapConnection(Section):
    """A mailbox on an IMAP server (extra `mail`)."""

    kind: Literal["imap"] = Field(description="`imap`.")
    host: Host = Field(description="Host name of the server.")
    port: int | None = Field(
        None, gt=0, le=65535, description="Port of the server; default: 993 for `tls`, otherwise 143."
    )
    tls: Literal["tls", "starttls", "none"] = Field(
        "tls", description="`tls` (from the first byte), `starttls`, or `none`, which needs a server on this machine."
    )
    plain: bool = Field(False, description='Whether `tls = "none"` is allowed for a server on another machine.')
    user: str = Field(description="The user name on this server.")
    password_env: str = Field(description="Name of the environment variable that holds the password.")
    ca_file: str | None = Field(None, description="PEM file of the authorities to trust, relative to andon.toml.")
    idle: bool = Field(
        True, description="Whether to use IDLE where the server supports it, so that it announces new mails."
    )
    poll_seconds: float = Field(
        5.0,
        gt=0,
        le=3600,
        description="Seconds between two polls of a server that does not announce new mails.",
    )
    sent_folder: str = Field("Sent", description="The folder for copies of the mails sent from this mailbox.")

    @model_validator(mode="after")
    def _is_safe(self) -> "ImapConnection":
        if self.tls == "none" and not self.plain and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError(
                'tls = "none" sends the password in clear text to another machine; set plain = true to allow it'
            )
        return self

    def secret(self, environment: Mapping[str, str] = os.environ) -> SecretStr:
        """Return the password. Raises SettingsInvalid if it is not set."""
        found = secret_of(self.password_env, "connections", environment)
        assert found is not None  # noqa: S101 - it is named
        return found


class _MailService(Section):
    token_env: str | None = Field(
        None,
        description="Name of the environment variable that holds an access token; instead of client_id and secret_env.",
    )
    client_id: str | None = Field(None, description="Client id of the application registered for Andon.")
    secret_env: str | None = Field(None, description="Name of the environment variable that holds the client secret.")
    poll_seconds: float = Field(15.0, gt=0, le=3600, description="Seconds between two polls.")

    @model_validator(mode="after")
    def _authenticates(self) -> "_MailService":
        if (self.token_env is None) == (self.client_id is None):
            raise ValueError("set token_env, or client_id and secret_env")
        if (self.client_id is None) != (self.secret_env is None):
            raise ValueError("set client_id and secret_env together")
        return self

    def secret(self, name: str, environment: Mapping[str, str] = os.environ) -> SecretStr | None:
        """Return the secret that a field names. Raises SettingsInvalid if it is not set."""
        return secret_of(getattr(self, name), "connections", environment)


class GraphConnection(_MailService):
    """A mailbox in Microsoft 365, through Microsoft Graph."""

    kind: Literal["graph"] = Field(description="`graph`.")
    user: str = Field(description="The mailbox: the address or the id of its user.")
    tenant: str | None = Field(None, description="The tenant of the client: its id or a domain.")
    url: HttpAddress = Field("https://graph.microsoft.com/v1.0", description="Base address of the API.")
    token_url: HttpAddress | None = Field(None, description="Address of the token endpoint; default: the tenant's.")

    @model_validator(mode="after")
    def _has_a_tenant(self) -> "GraphConnection":
        if self.client_id is not None and self.tenant is None and self.token_url is None:
            raise ValueError("client_id needs tenant or token_url")
        return self


class GmailConnection(_MailService):
    """A Gmail mailbox, through Gmail's API."""

    kind: Literal["gmail"] = Field(description="`gmail`.")
    user: str = Field("me", description="The mailbox: an address, or `me` for the owner of the token.")
    refresh_token_env: str | None = Field(
        None, description="Name of the environment variable that holds the refresh token."
    )
    url: HttpAddress = Field("https://gmail.googleapis.com/gmail/v1", description="Base address of the API.")
    token_url: HttpAddress = Field("https://oauth2.googleapis.com/token", description="Address of the token endpoint.")

    @model_validator(mode="after")
    def _has_a_refresh_token(self) -> "GmailConnection":
        if (self.client_id is None) != (self.refresh_token_env is None):
            raise ValueError("set client_id and refresh_token_env together")
        return self


Connection: TypeAlias = Annotated[
    KafkaConnection | NatsConnection | ImapConnection | GraphConnection | GmailConnection, Field(discriminator="kind")
]
"""One server; `kind` determines the fields."""

KINDS = (KafkaConnection, NatsConnection, ImapConnection, GraphConnection, GmailConnection)


def _expect(url: str, schemes: tuple[str, ...]) -> str:
    """Return the url if it has one of these schemes and no credentials.

    The error never contains the url: somebody may have written a password into it.
    """
    if not is_address(url, schemes):
        raise ValueError(f"expected {' or '.join(f'{scheme}://host' for scheme in schemes)}")
    parts = urlsplit(url)
    if parts.password is not None or parts.username is not None:
        raise ValueError("the address must not contain a user or password: set user and secret_env")
    return url

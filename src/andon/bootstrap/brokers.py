"""Brokers described by the settings: options of their client libraries, and the sources that read them.

The libraries are extras and are loaded only where a connection of their kind is used.
"""

import importlib
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias, TypeVar, get_args

from andon.authoring import Automation, Trigger
from andon.kernel.config import Settings, SettingsInvalid
from andon.kernel.connections import GmailConnection, GraphConnection, ImapConnection, KafkaConnection, NatsConnection
from andon.mail import PORTS, ImapServer, OAuth
from andon.streams import Source

C = TypeVar("C", KafkaConnection, NatsConnection, ImapConnection, GraphConnection, GmailConnection)

Lost: TypeAlias = Callable[[str, int], None]
"""Receives a partition and the number of its messages that were removed before they were read."""

Environment = Mapping[str, str]


def open_kafka(settings: Settings, trigger: Trigger, lost: Lost) -> Source:
    """Open the topic that a trigger names. Raises SettingsInvalid."""
    client = _kafka(settings, trigger, os.environ)
    source: Source = adapter("kafka").KafkaSource(client, trigger.place, lost=lost)
    return source


def open_nats(settings: Settings, trigger: Trigger, lost: Lost) -> Source:
    """Open the stream that a trigger names. Raises SettingsInvalid."""
    client, subjects = _nats(settings, trigger, os.environ), trigger.options.get("subjects", "").split()
    source: Source = adapter("nats").NatsSource(client, trigger.place, lost=lost, subjects=subjects)
    return source


def adapter(name: str) -> ModuleType:
    """Import the adapter of a broker or mailbox. Raises SettingsInvalid, which names the extra to install."""
    try:
        for library in _LOADED_LATER.get(name, ()):
            importlib.import_module(library)
        return importlib.import_module(f"andon.adapters.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("andon"):
            raise
        raise SettingsInvalid(
            f"{error.name} is not installed: pip install 'andon[{_EXTRAS.get(name, name)}]'"
        ) from error


def connection_of(settings: Settings, name: str, wanted: type[C]) -> C:
    """Return the connection of this name. Raises SettingsInvalid unless it has the wanted kind."""
    (kind,) = get_args(wanted.model_fields["kind"].annotation)
    connection = settings.connections.get(name)
    if connection is None:
        raise SettingsInvalid(f'needs [connections.{name}] in andon.toml, with kind = "{kind}"')
    if not isinstance(connection, wanted):
        raise SettingsInvalid(f"needs a connection of kind {kind}; [connections.{name}] is of kind {connection.kind}")
    return connection


def kafka_client(root: Path, connection: KafkaConnection, environment: Environment = os.environ) -> dict[str, Any]:
    """Return librdkafka's settings for a connection. Raises SettingsInvalid if its secret is not set."""
    secret = connection.secret(environment)
    protocol = ("SASL_" if connection.mechanism else "") + ("SSL" if connection.tls else "PLAINTEXT")
    given = {
        "bootstrap.servers": ",".join(connection.servers),
        "client.id": "andon",
        "group.id": connection.group,
        "security.protocol": protocol,
        "sasl.mechanism": connection.mechanism,
        "sasl.username": connection.user,
        "sasl.password": None if secret is None else secret.get_secret_value(),
        "ssl.ca.location": _path(root, connection.ca_file),
        "ssl.certificate.location": _path(root, connection.certificate_file),
        "ssl.key.location": _path(root, connection.key_file),
    }
    return {name: value for name, value in given.items() if value is not None}


def nats_client(root: Path, connection: NatsConnection, environment: Environment = os.environ) -> dict[str, Any]:
    """Return the NATS client's options for a connection. Raises SettingsInvalid if a secret or file is missing."""
    secret = connection.secret(environment)
    text = None if secret is None else secret.get_secret_value()
    given = {
        "servers": list(connection.servers),
        "user": connection.user,
        "password": text if connection.user else None,
        "token": None if connection.user else text,
        "user_credentials": _path(root, connection.credentials_file),
        "tls": _tls(root, connection),
    }
    return {name: value for name, value in given.items() if value is not None}


def imap_client(root: Path, connection: ImapConnection, environment: Environment = os.environ) -> dict[str, Any]:
    """Return the server of a mailbox, and where its copies go. Raises SettingsInvalid if its secret is not set."""
    server = ImapServer(
        connection.host,
        connection.port or PORTS[connection.tls],
        connection.user,
        connection.secret(environment),
        connection.tls,
        _authorities(root, connection.ca_file),
        connection.plain,
    )
    return {"server": server, "sent_folder": connection.sent_folder}


def graph_client(connection: GraphConnection, environment: Environment = os.environ) -> dict[str, Any]:
    """Return the options of a client of Microsoft Graph. Raises SettingsInvalid if a secret is not set."""
    tenant = f"https://login.microsoftonline.com/{connection.tenant}/oauth2/v2.0/token"
    oauth = OAuth(
        token=connection.secret("token_env", environment),
        token_url=connection.token_url or tenant,
        client_id=connection.client_id or "",
        client_secret=connection.secret("secret_env", environment),
        scope="https://graph.microsoft.com/.default",
    )
    return {"url": connection.url, "oauth": oauth}


def gmail_client(connection: GmailConnection, environment: Environment = os.environ) -> dict[str, Any]:
    """Return the options of a client of Gmail. Raises SettingsInvalid if a secret is not set."""
    oauth = OAuth(
        token=connection.secret("token_env", environment),
        token_url=connection.token_url,
        client_id=connection.client_id or "",
        client_secret=connection.secret("secret_env", environment),
        refresh_token=connection.secret("refresh_token_env", environment),
    )
    return {"url": connection.url, "oauth": oauth}


def trouble_with_brokers(
    settings: Settings, automation: Automation, environment: Environment = os.environ
) -> list[str]:
    """Return the problems of an automation's triggers with their brokers, as far as known without a connection."""
    found = []
    for trigger in (*automation.triggers, *automation.reported):
        if trigger.source in _CLIENTS:
            try:
                _CLIENTS[trigger.source](settings, trigger, environment)
                adapter(_ADAPTERS.get(trigger.source, trigger.source))
            except SettingsInvalid as error:
                found.append(f"trigger {trigger.name}: {error}")
    return found


class Clients(Mapping[str, dict[str, Any]]):
    """The client settings of each connection, by its name, for connectors that publish. Read on access."""

    def __init__(self, settings: Settings, environment: Environment = os.environ) -> None:
        self._settings = settings
        self._environment = environment

    def __getitem__(self, name: str) -> dict[str, Any]:
        found = self._settings.connections[name]
        if isinstance(found, KafkaConnection):
            return kafka_client(self._settings.root, found, self._environment)
        if isinstance(found, ImapConnection):
            return imap_client(self._settings.root, found, self._environment)
        if not isinstance(found, NatsConnection):
            return {}  # these are only read
        return nats_client(self._settings.root, found, self._environment)

    def __contains__(self, name: object) -> bool:
        return name in self._settings.connections

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings.connections)

    def __len__(self) -> int:
        return len(self._settings.connections)


def _kafka(settings: Settings, trigger: Trigger, environment: Environment) -> dict[str, Any]:
    return kafka_client(settings.root, connection_of(settings, trigger.connection, KafkaConnection), environment)


def _nats(settings: Settings, trigger: Trigger, environment: Environment) -> dict[str, Any]:
    return nats_client(settings.root, connection_of(settings, trigger.connection, NatsConnection), environment)


def _imap(settings: Settings, trigger: Trigger, environment: Environment) -> dict[str, Any]:
    return imap_client(settings.root, connection_of(settings, trigger.connection, ImapConnection), environment)


def _graph(settings: Settings, trigger: Trigger, environment: Environment) -> dict[str, Any]:
    return graph_client(connection_of(settings, trigger.connection, GraphConnection), environment)


def _gmail(settings: Settings, trigger: Trigger, environment: Environment) -> dict[str, Any]:
    return gmail_client(connection_of(settings, trigger.connection, GmailConnection), environment)


_CLIENTS: Mapping[str, Callable[[Settings, Trigger, Environment], dict[str, Any]]] = {
    "kafka": _kafka,
    "nats": _nats,
    "imap": _imap,
    "folder_moves": _imap,
    "graph_mail": _graph,
    "gmail": _gmail,
}
"""The client settings by the kind of a trigger's source."""

_ADAPTERS = {"folder_moves": "imap", "graph_mail": "graph"}
"""The folder of an adapter, where its name differs from the kind of source."""

_PARSERS = ("mailparser_reply",)
_LOADED_LATER = {"imap": ("imapclient", *_PARSERS), "graph": _PARSERS, "gmail": _PARSERS}
"""Libraries that an adapter loads only on use; a missing one is reported beforehand."""

_EXTRAS = {"imap": "mail", "graph": "mail", "gmail": "mail"}
"""The extra with an adapter's library, where its name differs from the adapter's."""


def _tls(root: Path, connection: NatsConnection) -> ssl.SSLContext | None:
    if connection.ca_file is None and connection.certificate_file is None:
        return None
    try:
        context = ssl.create_default_context(cafile=_path(root, connection.ca_file))
        if connection.certificate_file is not None and connection.key_file is not None:
            context.load_cert_chain(root / connection.certificate_file, root / connection.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsInvalid(f"a file of its connection cannot be used for TLS: {error}") from error
    return context


def _authorities(root: Path, ca_file: str | None) -> ssl.SSLContext | None:
    try:
        return None if ca_file is None else ssl.create_default_context(cafile=_path(root, ca_file))
    except (OSError, ssl.SSLError) as error:
        raise SettingsInvalid(f"ca_file cannot be used for TLS: {error}") from error


def _path(root: Path, name: str | None) -> str | None:
    return None if name is None else str(root / name)

"""Brokers as the settings describe them: what their client libraries are given, and the sources that read them.

The libraries are extras and are loaded only where a connection of their kind is used.
"""

import os
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from andon.authoring import Trigger
from andon.kernel.config import Settings, SettingsInvalid
from andon.kernel.connections import KafkaConnection, NatsConnection
from andon.streams import Source

C = TypeVar("C", KafkaConnection, NatsConnection)

Lost = Callable[[int], None]
"""Hears how many messages were removed before they were read."""


def kafka_source(settings: Settings, trigger: Trigger, lost: Lost) -> Source:
    """The topic that a trigger names. Raises SettingsInvalid."""
    connection = connection_of(settings, trigger.connection, KafkaConnection, trigger.name)
    try:
        from andon.adapters.kafka import KafkaSource
    except ModuleNotFoundError as error:
        raise extra_missing(error, "kafka", trigger.name) from error
    client = kafka_client(settings.root, connection)
    if connection.group is not None:
        client["group.id"] = connection.group
    return KafkaSource(client, trigger.place, lost=lost, mirror=connection.group is not None)


def nats_source(settings: Settings, trigger: Trigger, lost: Lost) -> Source:
    """The stream that a trigger names. Raises SettingsInvalid."""
    connection = connection_of(settings, trigger.connection, NatsConnection, trigger.name)
    try:
        from andon.adapters.nats import NatsSource
    except ModuleNotFoundError as error:
        raise extra_missing(error, "nats", trigger.name) from error
    subjects = trigger.options.get("subjects", "").split()
    return NatsSource(nats_client(settings.root, connection), trigger.place, lost=lost, subjects=subjects)


BROKERS: Mapping[str, Callable[[Settings, Trigger, Lost], Source]] = {"kafka": kafka_source, "nats": nats_source}
"""What builds the source of a trigger, by its kind."""


def connection_of(settings: Settings, name: str, wanted: type[C], needed_by: str) -> C:
    """The connection of a name, which is of the wanted kind. Raises SettingsInvalid."""
    (kind,) = get_args(wanted.model_fields["kind"].annotation)
    connection = settings.connections.get(name)
    if connection is None:
        raise SettingsInvalid(f'{needed_by} needs [connections.{name}] in andon.toml, with kind = "{kind}"')
    if not isinstance(connection, wanted):
        raise SettingsInvalid(
            f"{needed_by} needs a connection of kind {kind}; [connections.{name}] is {connection.kind}"
        )
    return connection


def extra_missing(error: ModuleNotFoundError, extra: str, needed_by: str) -> SettingsInvalid:
    """What to install."""
    return SettingsInvalid(f"{needed_by} needs {error.name}, which is not installed: pip install 'andon[{extra}]'")


def kafka_client(
    root: Path, connection: KafkaConnection, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """The settings of librdkafka for a connection. Raises SettingsInvalid if its secret is not set."""
    secret = connection.secret(environment)
    protocol = ("SASL_" if connection.mechanism else "") + ("SSL" if connection.tls else "PLAINTEXT")
    given = {
        "bootstrap.servers": ",".join(connection.servers),
        "client.id": "andon",
        "security.protocol": protocol,
        "sasl.mechanism": connection.mechanism,
        "sasl.username": connection.user,
        "sasl.password": None if secret is None else secret.get_secret_value(),
        "ssl.ca.location": _path(root, connection.ca_file),
        "ssl.certificate.location": _path(root, connection.certificate_file),
        "ssl.key.location": _path(root, connection.key_file),
    }
    return {name: value for name, value in given.items() if value is not None}


def nats_client(root: Path, connection: NatsConnection, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The options of the NATS client for a connection. Raises SettingsInvalid if a secret or file is not there."""
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


def _tls(root: Path, connection: NatsConnection) -> ssl.SSLContext | None:
    if connection.ca_file is None and connection.certificate_file is None:
        return None
    try:
        context = ssl.create_default_context(cafile=_path(root, connection.ca_file))
        if connection.certificate_file is not None and connection.key_file is not None:
            context.load_cert_chain(root / connection.certificate_file, root / connection.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsInvalid(f"A file of [connections] cannot be used for TLS: {error}") from error
    return context


def _path(root: Path, name: str | None) -> str | None:
    return None if name is None else str(root / name)

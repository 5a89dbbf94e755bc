"""Connections: what is wrong is named without its value, and no secret can be written into an address."""

from pathlib import Path

import pytest

from andon.authoring import Trigger, kafka, nats
from andon.bootstrap.brokers import kafka_client, nats_client, trouble_with_brokers
from andon.kernel import config
from andon.kernel.config import Settings, SettingsInvalid
from andon.kernel.connections import KafkaConnection
from automations import an_automation


def settings(folder: Path, text: str) -> Settings:
    (folder / "andon.toml").write_text(text, encoding="utf-8")
    return config.load(folder, {})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('kind = "kafka"\nservers = ["kafka"]', "host:port"),
        ('kind = "kafka"\nservers = ["kafka:9092"]\nurl = "x"', "url: Extra inputs are not permitted"),
        ('kind = "kafka"\nservers = []', "servers"),
        ('kind = "kafka"\nservers = ["kafka:9092"]\nuser = "andon"', "set mechanism, user and secret_env together"),
        ('kind = "kafka"\nservers = ["kafka:9092"]\nca_file = "ca.pem"', "need tls = true"),
        ('kind = "nats"\nservers = ["nats:4222"]', "expected nats://host or tls://host"),
        ('kind = "nats"\nservers = ["nats://me:hush-hush@host"]', "must not contain a user or password"),
        ('kind = "nats"\nservers = ["nats://host"]\nuser = "me"', "user needs secret_env"),
        ('kind = "nats"\nservers = ["nats://host"]\nkey_file = "k.pem"', "set certificate_file and key_file together"),
        ('kind = "mqtt"', "'kafka', 'nats'"),
        ('servers = ["kafka:9092"]', "kind"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsInvalid) as error:
        settings(tmp_path, f"[connections.main]\n{text}\n")
    assert told in str(error.value)
    assert "connections.main" in str(error.value)
    assert "hush" not in str(error.value)


def test_a_kafka_cluster_with_everything_is_what_its_library_is_given(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        '[connections.main]\nkind = "kafka"\nservers = ["a:9092", "b:9092"]\ntls = true\nmechanism = "SCRAM-SHA-512"\n'
        'user = "andon"\nsecret_env = "KAFKA_PASSWORD"\nca_file = "ca.pem"\ngroup = "lag"\n',
    ).connections["main"]
    assert isinstance(found, KafkaConnection)
    assert kafka_client(tmp_path, found, {"KAFKA_PASSWORD": "p"}) == {
        "bootstrap.servers": "a:9092,b:9092",
        "client.id": "andon",
        "group.id": "lag",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "andon",
        "sasl.password": "p",
        "ssl.ca.location": str(tmp_path / "ca.pem"),
    }
    with pytest.raises(SettingsInvalid, match="KAFKA_PASSWORD"):
        kafka_client(tmp_path, found, {})


def test_a_nats_server_gets_a_password_or_a_token(tmp_path: Path) -> None:
    text = '[connections.a]\nkind = "nats"\nservers = ["nats://h"]\nsecret_env = "S"\n'
    found = settings(tmp_path, text + text.replace("connections.a", "connections.b") + 'user = "me"\n').connections
    a, b = (nats_client(tmp_path, found[name], {"S": "s"}) for name in "ab")  # type: ignore[arg-type]
    assert a == {"servers": ["nats://h"], "token": "s"}
    assert b == {"servers": ["nats://h"], "user": "me", "password": "s"}


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        (kafka("t"), 'trigger kafka:t: needs [connections.kafka] in andon.toml, with kind = "kafka"'),
        (
            nats("s", connection="main"),
            "trigger nats:s: needs a connection of kind nats; [connections.main] is of kind kafka",
        ),
        (
            kafka("t", connection="secret"),
            "trigger kafka:t: The environment variable NOT_SET (a secret_env of [connections]) is not set",
        ),
        (kafka("t", connection="main"), None),
        (Trigger("table", "t"), None),
    ],
)
def test_a_trigger_whose_connection_is_missing_is_named(tmp_path: Path, trigger: Trigger, told: str | None) -> None:
    given = settings(
        tmp_path,
        '[connections.main]\nkind = "kafka"\nservers = ["k:1"]\n'
        '[connections.secret]\nkind = "kafka"\nservers = ["k:1"]\nmechanism = "PLAIN"\nuser = "me"\nsecret_env = '
        '"NOT_SET"\n',
    )
    automation = an_automation()
    automation.triggers = (trigger,)
    assert trouble_with_brokers(given, automation, {}) == ([] if told is None else [told])

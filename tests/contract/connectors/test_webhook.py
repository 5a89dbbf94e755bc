"""The webhook connector keeps the contract of connectors, and what Standard Webhooks asks beyond it."""

import asyncio
import base64
import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery

from andon.actions import AnswerKind, Destination
from andon.connectors.webhook import WebhookConnector
from andon.kernel.clock import SystemClock
from andon.streams import STRUCTURED
from andon.streams.events import event_of
from certificates import a_certificate
from receiver import HangUp, Receiver, Reply, Slow

SECRET = "whsec_" + base64.b64encode(SECRET_TEXT.encode() * 2).decode()


class WebhookStage:
    """A receiver of webhooks."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def destination(self, *, timeout: timedelta = timedelta(seconds=5)) -> Destination:
        return Destination("bank", self.receiver.url, secrets=(SecretStr(SECRET),), timeout=timeout, allow_private=True)

    def nowhere(self) -> Destination:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return replace(self.destination(), url=f"http://127.0.0.1:{taken.getsockname()[1]}/hook")

    def refuse(self) -> None:
        self.receiver.plan(Reply(422))

    def fail(self) -> None:
        self.receiver.plan(Reply(503))

    def keep_silent(self) -> None:
        self.receiver.plan(Slow(30))

    def vanish(self) -> None:
        self.receiver.plan(HangUp())

    def taken(self) -> dict[str, int]:
        return {key: received.times for key, received in self.receiver.received.items()}


@pytest.fixture
def stage() -> Iterator[WebhookStage]:
    with Receiver(SECRET) as receiver:
        yield WebhookStage(receiver)


@pytest.fixture
def connector() -> WebhookConnector:
    return WebhookConnector(SystemClock())


def knowing(*addresses: str) -> WebhookConnector:
    """Return a connector for which every host has these addresses."""

    async def resolve(*_: object) -> list[str]:
        return list(addresses)

    return WebhookConnector(SystemClock(), resolve=resolve)


class TestWebhook(ConnectorContract):
    def test_connections_are_used_again(self, connector: WebhookConnector, stage: WebhookStage) -> None:
        self.deliver(connector, *[a_delivery(stage.destination()) for _ in range(20)])
        assert stage.receiver.connections == 1

    def test_a_long_answer_is_not_read_to_its_end(self, connector: WebhookConnector, stage: WebhookStage) -> None:
        stage.receiver.plan(Reply(200, body=b"x" * 5_000_000))
        answers = self.deliver(connector, *[a_delivery(stage.destination()) for _ in range(2)])
        assert [answer.kind for answer in answers] == [AnswerKind.DELIVERED] * 2
        assert stage.receiver.connections == 2

    def test_a_redirect_is_not_followed(self, connector: WebhookConnector, stage: WebhookStage) -> None:
        with Receiver(SECRET) as elsewhere:
            stage.receiver.plan(Reply(307, headers={"location": elsewhere.url}))
            [answer] = self.deliver(connector, a_delivery(stage.destination()))
            assert elsewhere.requests == 0
        assert answer.kind is AnswerKind.REFUSED
        assert "redirects are not followed" in answer.detail

    def test_gone_disables(self, connector: WebhookConnector, stage: WebhookStage) -> None:
        stage.receiver.plan(Reply(410))
        [answer] = self.deliver(connector, a_delivery(stage.destination()))
        assert answer.disable

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
    def test_the_own_network_is_refused_unless_it_is_meant(
        self, connector: WebhookConnector, stage: WebhookStage, host: str
    ) -> None:
        url = stage.receiver.url.replace("127.0.0.1", host)
        [answer] = self.deliver(connector, a_delivery(replace(stage.destination(), url=url, allow_private=False)))
        assert answer.kind is AnswerKind.REFUSED
        assert "allow_private = true under [destinations.bank]" in answer.detail
        assert stage.receiver.connections == 0

    def test_a_host_is_reached_by_name_and_told_its_name(
        self, connector: WebhookConnector, stage: WebhookStage
    ) -> None:
        url = stage.receiver.url.replace("127.0.0.1", "localhost")
        named = replace(stage.destination(), url=url)
        self.deliver(connector, a_delivery(named))
        [received] = stage.receiver.received.values()
        assert received.headers["host"] == url.removeprefix("http://").removesuffix("/hook")

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"secrets": ()}, "there is no signing secret; set secret_env"),
            ({"secrets": (SecretStr("hush"),)}, "starts with 'whsec_'"),
            ({"url": "ftp://example.test/x"}, "not http:// or https://"),
            ({"url": "http:///hook"}, "with a host"),
            ({"url": "http://bank.test:port/"}, "Invalid port"),
        ],
    )
    def test_a_destination_that_cannot_be_used_is_refused_naming_its_settings(
        self, connector: WebhookConnector, stage: WebhookStage, change: dict[str, object], says: str
    ) -> None:
        [answer] = self.deliver(connector, a_delivery(replace(stage.destination(), **change)))  # type: ignore[arg-type]
        assert answer.kind is AnswerKind.REFUSED
        assert answer.detail.startswith("[destinations.bank] cannot be used: ")
        assert says in answer.detail

    def test_the_next_address_of_a_host_is_tried_when_nobody_is_at_the_first(self, stage: WebhookStage) -> None:
        [answer] = self.deliver(knowing("::1", "127.0.0.1"), a_delivery(stage.destination()))
        assert answer.kind is AnswerKind.DELIVERED

    def test_a_name_that_also_leads_inside_is_refused_before_anything_is_sent(self, stage: WebhookStage) -> None:
        guarded = replace(stage.destination(), allow_private=False)
        [answer] = self.deliver(knowing("93.184.215.14", "127.0.0.1"), a_delivery(guarded))
        assert (answer.kind, stage.receiver.connections) == (AnswerKind.REFUSED, 0)

    def test_a_host_without_an_address_certainly_got_nothing(
        self, connector: WebhookConnector, stage: WebhookStage
    ) -> None:
        [answer] = self.deliver(connector, a_delivery(replace(stage.destination(), url="http://no.such.invalid/")))
        assert answer.kind is AnswerKind.FAILED
        assert "no address for host no.such.invalid" in answer.detail

    def test_a_correlation_id_that_is_no_header_is_left_out(
        self, connector: WebhookConnector, stage: WebhookStage
    ) -> None:
        self.deliver(connector, a_delivery(stage.destination(), correlation_id="a\r\nx-evil: 1"))
        [received] = stage.receiver.received.values()
        assert "x-correlation-id" not in received.headers
        assert "x-evil" not in received.headers

    def test_every_attempt_carries_the_same_bytes(self, connector: WebhookConnector, stage: WebhookStage) -> None:
        delivery = a_delivery(stage.destination())
        self.deliver(connector, delivery)
        first = stage.receiver.received.pop(str(delivery.key)).body
        self.deliver(WebhookConnector(SystemClock()), delivery)
        assert stage.receiver.received[str(delivery.key)].body == first
        assert json.loads(first)["data"]["input"]["name"] == "Zoë 😀"

    def test_a_cloudevent_is_signed_whole_and_read_as_one(
        self, connector: WebhookConnector, stage: WebhookStage
    ) -> None:
        delivery = replace(a_delivery(stage.destination()), options={"cloudevents": True})
        self.deliver(connector, delivery, replace(delivery, traceparent=f"00-{'1' * 32}-{'2' * 16}-01"))
        [received] = stage.receiver.received.values()
        assert (received.times, stage.receiver.forged) == (2, 0)
        assert received.headers["content-type"] == STRUCTURED
        event = event_of(received.body, received.headers)
        assert (event.id, event.source) == (str(delivery.key), "/andon/automations/screening")
        assert (event.type, event.time) == ("andon.decision.release", delivery.created_at)
        assert json.loads(event.data) == json.loads(json.dumps(delivery.data))

    def test_during_a_change_of_secret_a_receiver_with_either_takes_it(
        self, connector: WebhookConnector, stage: WebhookStage
    ) -> None:
        new = SecretStr("whsec_" + base64.b64encode(b"n" * 32).decode())
        self.deliver(connector, a_delivery(replace(stage.destination(), secrets=(new, SecretStr(SECRET)))))
        assert (len(stage.receiver.received), stage.receiver.forged) == (1, 0)

    def test_a_forged_signature_is_seen(self, connector: WebhookConnector, stage: WebhookStage) -> None:
        other = SecretStr("whsec_" + base64.b64encode(b"o" * 32).decode())
        [answer] = self.deliver(connector, a_delivery(replace(stage.destination(), secrets=(other,))))
        assert (answer.kind, stage.receiver.forged) == (AnswerKind.REFUSED, 1)


@pytest.fixture
def authority(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the TLS context of a receiver called `localhost`, and a trust in it."""
    shown, kept = a_certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(shown, kept)
    return server, ssl.create_default_context(cafile=str(shown))


def test_over_tls_the_name_is_proven_though_a_checked_address_is_reached(
    authority: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, trust = authority
    with Receiver(SECRET, tls=server) as receiver:
        by_address = WebhookStage(receiver).destination()
        by_name = replace(by_address, url=by_address.url.replace("127.0.0.1", "localhost"))
        trusting, doubting = WebhookConnector(SystemClock(), tls=trust), WebhookConnector(SystemClock())
        kinds = [
            asyncio.run(_deliver_and_close(connector, destination))
            for connector, destination in ((trusting, by_name), (trusting, by_address), (doubting, by_name))
        ]
    assert kinds == [AnswerKind.DELIVERED, AnswerKind.FAILED, AnswerKind.FAILED]
    assert len(receiver.received) == 1


def test_the_loop_of_another_run_does_not_matter() -> None:
    with Receiver(SECRET) as receiver:
        connector = WebhookConnector(SystemClock())
        for _ in range(2):
            answer = asyncio.run(_deliver_and_close(connector, WebhookStage(receiver).destination()))
            assert answer is AnswerKind.DELIVERED


async def _deliver_and_close(connector: WebhookConnector, destination: Destination) -> AnswerKind:
    answer = await connector.deliver(a_delivery(destination))
    await connector.close()
    return answer.kind

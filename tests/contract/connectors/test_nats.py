"""Publishing on a NATS subject keeps the contract, against a real server; the stream itself drops repeats."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import nats
import pytest
from nats.aio.msg import Msg
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery
from tests.contract.connectors.publishing import Published

from andon.actions import AnswerKind, Destination
from andon.connectors.nats import NatsConnector, NatsSettings
from brokers import NOBODY, Cut, a_nats, a_stream


class NatsStage:
    def __init__(self, address: str, stream: str, published: Published) -> None:
        self._address = address
        self._stream = stream
        self._published = published
        self.refuse, self.fail = published.refuse, published.fail
        self.keep_silent, self.vanish = published.keep_silent, published.vanish

    def destination(self, *, timeout: timedelta = timedelta(seconds=5)) -> Destination:
        return Destination("log", timeout=timeout, settings={"nats": NatsSettings(connection="main")})

    def nowhere(self) -> Destination:
        settings = {"nats": NatsSettings(connection="nowhere")}
        return Destination("log", timeout=timedelta(seconds=1), settings=settings)

    def taken(self) -> dict[str, int]:
        found = Counter((message.headers or {})["ce-id"] for message in messages(self._address, self._stream))
        return {key: n for key, n in found.items() if key not in self._published.keys_of_preparation}


def messages(address: str, stream: str) -> list[Msg]:
    """All messages of a stream."""

    async def read() -> list[Msg]:
        client = await nats.connect(f"nats://{address}")
        try:
            js = client.jetstream()
            number = (await js.stream_info(stream)).state.messages
            if not number:
                return []
            return await (await js.pull_subscribe(">", stream=stream)).fetch(number, timeout=5)
        finally:
            await client.close()

    return asyncio.run(read())


class TestNatsConnector(ConnectorContract):
    @pytest.fixture
    def cut(self) -> Iterator[Cut]:
        cut = Cut()
        yield cut
        cut.close()

    @pytest.fixture
    def connector(self, cut: Cut) -> Iterator[Published]:
        with a_nats() as server:
            cut.to = server.address
            clients = {
                "main": {"servers": [f"nats://127.0.0.1:{cut.port}"]},
                "nowhere": {"servers": [f"nats://{NOBODY}"], "token": SECRET_TEXT},
            }
            self.address, self.stream = server.address, asyncio.run(a_stream(server.address))
            there, missing = {"subject": f"{self.stream}.decided"}, {"subject": "no.such.subject"}
            yield Published(NatsConnector(clients), server, cut, there=there, missing=missing)

    @pytest.fixture
    def stage(self, connector: Published) -> NatsStage:
        return NatsStage(self.address, self.stream, connector)

    def test_a_repeat_comes_under_the_same_key(self, connector: Published, stage: NatsStage) -> None:
        """And is dropped by the stream."""
        delivery = a_delivery(stage.destination())
        answers = self.deliver(connector, delivery, delivery)
        assert {answer.kind for answer in answers} == {AnswerKind.DELIVERED}
        assert stage.taken() == {str(delivery.key): 1}

    def test_a_message_is_a_cloudevent(self, connector: Published, stage: NatsStage) -> None:
        delivery = a_delivery(stage.destination())
        self.deliver(connector, delivery)
        [message] = messages(self.address, self.stream)
        headers = message.headers or {}
        assert headers["ce-specversion"] == "1.0"
        assert headers["ce-type"] == "andon.decision.release"
        assert headers["Nats-Msg-Id"] == str(delivery.key)

    def test_a_connection_that_is_not_configured_is_named(self, connector: Published) -> None:
        settings = {"nats": NatsSettings(connection="other")}
        [answer] = self.deliver(connector, a_delivery(Destination("log", settings=settings)))
        assert (answer.kind, answer.detail) == (AnswerKind.REFUSED, "there is no [connections.other] in andon.toml")

    def test_what_is_too_large_is_refused(self, connector: Published, stage: NatsStage) -> None:
        [answer] = self.deliver(connector, a_delivery(stage.destination(), data={"id": "x" * 2_000_000}))
        assert answer.kind is AnswerKind.REFUSED

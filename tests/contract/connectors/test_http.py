"""The http connector keeps the contract of connectors; tokens are fetched once, renewed when refused, never shown."""

import asyncio
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery

from andon.actions import Answer, AnswerKind, Destination
from andon.connectors.http import HttpConnector, HttpSettings
from andon.kernel.clock import SystemClock
from api import Api
from receiver import HangUp, Reply, Slow


def the_settings(api: Api, **changes: Any) -> HttpSettings:
    values = {
        "token_url": f"{api.url}/token",
        "client_id": "andon",
        "client_secret_env": "CLIENT_SECRET",
        "inquire": "/deliveries/{key}",
    }
    return HttpSettings.model_validate(values | changes, context={"environment": {"CLIENT_SECRET": SECRET_TEXT}})


class HttpStage:
    """An API with tokens, on loopback."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def destination(self, *, timeout: timedelta = timedelta(seconds=5), **changes: Any) -> Destination:
        settings = {"http": the_settings(self.api, **changes)}
        return Destination("core", f"{self.api.url}/deliveries", timeout=timeout, allow_private=True, settings=settings)

    def nowhere(self) -> Destination:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        return Destination("core", f"http://127.0.0.1:{port}/deliveries", allow_private=True)

    def refuse(self) -> None:
        self.api.plan(Reply(422))

    def fail(self) -> None:
        self.api.plan(Reply(503))

    def keep_silent(self) -> None:
        self.api.plan(Slow(30))

    def vanish(self) -> None:
        self.api.plan(HangUp())

    def taken(self) -> dict[str, int]:
        return dict(self.api.taken)


@pytest.fixture
def stage() -> Iterator[HttpStage]:
    with Api("andon", SECRET_TEXT) as api:
        yield HttpStage(api)


@pytest.fixture
def connector() -> HttpConnector:
    return HttpConnector(SystemClock())


class TestHttp(ConnectorContract):
    def test_a_token_is_fetched_once_for_many(self, connector: HttpConnector, stage: HttpStage) -> None:
        deliveries = [a_delivery(stage.destination()) for _ in range(20)]

        async def run() -> list[Answer]:
            answers = await asyncio.gather(*map(connector.deliver, deliveries))
            await connector.close()
            return answers

        assert {answer.kind for answer in asyncio.run(run())} == {AnswerKind.DELIVERED}
        assert stage.api.tokens_given == 1

    def test_a_refused_token_is_renewed_within_the_attempt(self, connector: HttpConnector, stage: HttpStage) -> None:
        async def run() -> list[Answer]:
            first = await connector.deliver(a_delivery(stage.destination()))
            stage.api.revoke()
            second = await connector.deliver(a_delivery(stage.destination()))
            await connector.close()
            return [first, second]

        assert [answer.kind for answer in asyncio.run(run())] == [AnswerKind.DELIVERED] * 2
        assert (stage.api.tokens_given, set(stage.api.taken.values())) == (2, {1})

    def test_without_a_token_nothing_was_sent_and_it_may_pass(self, connector: HttpConnector, stage: HttpStage) -> None:
        [answer] = self.deliver(connector, a_delivery(stage.destination(client_id="stranger")))
        assert (answer.kind, stage.taken()) == (AnswerKind.FAILED, {})
        assert answer.detail == "no token from 127.0.0.1: answered 401"

    def test_a_secret_header_by_reference(self, connector: HttpConnector, stage: HttpStage) -> None:
        settings = HttpSettings.model_validate(
            {"header": "X-Key", "header_env": "KEY"}, context={"environment": {"KEY": SECRET_TEXT}}
        )
        stage.api.key = SECRET_TEXT
        destination = replace(stage.destination(), settings={"http": settings})
        [answer] = self.deliver(connector, a_delivery(destination))
        assert answer.kind is AnswerKind.DELIVERED
        assert SECRET_TEXT not in repr([answer, destination, settings])

    def test_path_body_and_headers_are_filled_in(self, connector: HttpConnector, stage: HttpStage) -> None:
        options = {
            "method": "PUT",
            "path": "/{input.name}/pause",
            "body": {"amount": "{input.amount}", "why": "is {outcome}", "all": ["{id}"]},
            "headers": {"x-case": "{id}"},
        }
        [answer] = self.deliver(connector, a_delivery(stage.destination(), options=options))
        assert answer.kind is AnswerKind.DELIVERED
        [request] = stage.api.requests
        assert (request.method, request.path) == ("PUT", "/deliveries/Zo%C3%AB%20%F0%9F%98%80/pause")
        assert json.loads(request.body) == {"amount": 12.5, "why": "is release", "all": ["d-1"]}
        assert request.headers["x-case"] == "d-1"

    @pytest.mark.parametrize("evil", ["../../admin", "a/b?c=d#e", "x\r\nHost: y", ".."])
    def test_a_value_stays_one_segment_of_the_path(self, connector: HttpConnector, stage: HttpStage, evil: str) -> None:
        delivery = a_delivery(stage.destination(), options={"path": "/{input.name}"}, data={"input": {"name": evil}})
        self.deliver(connector, delivery)
        [request] = stage.api.requests
        assert request.path.count("/") == 2
        assert not set("?#\r\n") & set(request.path)
        assert request.path != "/deliveries/.."

    def test_a_value_that_a_decision_lacks_is_refused_by_name(self, connector: HttpConnector, stage: HttpStage) -> None:
        [answer] = self.deliver(connector, a_delivery(stage.destination(), options={"path": "/{input.iban}"}))
        assert (answer.kind, answer.detail) == (AnswerKind.REFUSED, "this decision has no value {input.iban}")

    def test_the_own_network_is_refused_for_the_api_and_for_its_tokens(
        self, connector: HttpConnector, stage: HttpStage
    ) -> None:
        [answer] = self.deliver(connector, a_delivery(replace(stage.destination(), allow_private=False)))
        assert answer.kind is AnswerKind.REFUSED
        assert "allow_private = true under [destinations.core]" in answer.detail
        assert stage.api.connections == 0

    def test_a_token_is_never_in_an_answer(self, connector: HttpConnector, stage: HttpStage) -> None:
        stage.refuse()
        answers = self.deliver(connector, *[a_delivery(stage.destination()) for _ in range(2)])
        assert stage.api.token not in repr(answers)


def test_secret_and_token_together_are_refused_when_loaded() -> None:
    with pytest.raises(ValueError, match="set one"):
        HttpSettings(
            header_env=SecretStr("x"), token_url="https://a.test", client_id="a", client_secret_env=SecretStr("b")
        )

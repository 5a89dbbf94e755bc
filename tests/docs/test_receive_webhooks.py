"""The page "Receive webhooks" tells the truth: its check takes what the connector sends, and only that."""

import asyncio
import re
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.contract.connectors.contract import a_delivery

from andon.actions import AnswerKind, Destination, answer_of
from andon.actions.domain import BREAKER_FAILURES, backoff
from andon.connectors.webhook import WebhookConnector
from andon.kernel import config
from andon.kernel.clock import SystemClock
from receiver import SECRET, Receiver

PAGE = (Path(__file__).parents[2] / "docs/how-to/receive-webhooks.md").read_text(encoding="utf-8")

Check = Callable[[str, dict[str, str], bytes], bool]


def the(language: str) -> str:
    [block] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


@pytest.fixture
def is_genuine() -> Check:
    scope: dict[str, Check] = {}
    exec(compile(the("python"), "receive-webhooks.md", "exec"), scope)
    return scope["is_genuine"]


@pytest.fixture
def received() -> tuple[dict[str, str], bytes]:
    async def deliver(destination: Destination) -> None:
        connector = WebhookConnector(SystemClock())
        await connector.deliver(a_delivery(destination, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01"))
        await connector.close()

    with Receiver(None) as receiver:
        asyncio.run(deliver(Destination("bank", receiver.url, secrets=(SecretStr(SECRET),), allow_private=True)))
        [delivery] = receiver.received.values()
    return dict(delivery.headers), delivery.body


def test_its_check_takes_what_is_genuine(is_genuine: Check, received: tuple[dict[str, str], bytes]) -> None:
    headers, body = received
    assert is_genuine(SECRET, headers, body)
    assert is_genuine(SECRET, headers | {"webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}, body)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "another"},
        {"webhook-timestamp": "1732449600"},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,AAAA"},
    ],
)
def test_its_check_refuses_what_was_changed(
    is_genuine: Check, received: tuple[dict[str, str], bytes], change: dict[str, str]
) -> None:
    headers, body = received
    assert not is_genuine(SECRET, headers | change, body)
    assert not is_genuine(SECRET, headers, body + b" ")
    assert not is_genuine(SECRET, {}, body)


def test_the_headers_it_shows_are_those_that_come(received: tuple[dict[str, str], bytes]) -> None:
    shown = set(re.findall(r"^([a-z-]+): ", the("http"), re.MULTILINE))
    assert shown <= set(received[0])


def test_its_settings_can_be_read() -> None:
    config.Settings(**tomllib.loads(the("toml")))
    defaults = config.DestinationSettings(url="https://bank.example")
    assert f"`max_attempts` ({defaults.max_attempts} unless set)" in PAGE
    assert f"`timeout_seconds` ({defaults.timeout_seconds:g} unless set)" in PAGE


def test_its_table_of_answers_is_how_answers_are_read() -> None:
    now = SystemClock().now()

    def statuses(kind: AnswerKind, *, disable: bool = False) -> set[int]:
        answers = {status: answer_of(status, None, now=now) for status in (*range(200, 505),)}
        return {status for status, answer in answers.items() if answer.kind is kind and answer.disable is disable}

    again = {408, 409, 425, 429, 500, 503}
    assert "| 408, 409, 425, 429, 500, 503 |" in PAGE
    assert again <= statuses(AnswerKind.FAILED)
    assert statuses(AnswerKind.UNKNOWN) == {502, 504}
    assert statuses(AnswerKind.REFUSED, disable=True) == {410}
    assert statuses(AnswerKind.DELIVERED) == set(range(200, 300))
    assert statuses(AnswerKind.FAILED) - again == {501}
    assert (backoff(1, 1), backoff(99, 1)) == (timedelta(seconds=1), timedelta(hours=1))
    assert ("five failures in a row" in PAGE) == (BREAKER_FAILURES == 5)

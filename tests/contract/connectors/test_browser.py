"""The browser connector keeps the contract of connectors, against a card system of 2003."""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery

from andon import browser, choose, click, expect_text, fill, go, look, read, refused_when, secret
from andon.actions import Answer, AnswerKind, Delivery, Destination
from andon.connectors.browser import BrowserConnector, BrowserOptions, BrowserSettings
from andon.kernel.clock import SystemClock
from andon_demo.legacy import LegacyBank, LegacyServer
from remembering import RememberedEvidence

LOGIN = [
    go("/login"),
    fill("#user", secret("user")),
    fill("#password", secret("password")),
    click("#signon"),
    expect_text("#welcome", "signed on", frame="main"),
]
BLOCK = [
    go("/block", frame="main"),
    refused_when("#error", frame="main"),
    fill("#card", "{input.card}", frame="main"),
    choose("#reason", "stolen", frame="main"),
    fill("#reference", "{key}", frame="main"),
    click("#submit", commit=True, frame="main"),
    expect_text("#done", "card blocked", frame="main"),
    read("#number", "number", frame="main"),
]
FOUND = look(
    [go("/search?reference={key}", frame="main")],
    found="tr.entry",
    missing="#none",
    then=[read("tr.entry td", "number", frame="main")],
    frame="main",
)
SCRIPT = dict(browser("legacy", account="robot1", login=LOGIN, steps=BLOCK, done_when=FOUND).options)


class LegacyStage:
    """The card system on loopback."""

    def __init__(self, server: LegacyServer) -> None:
        self.server = server

    def destination(self, *, timeout: timedelta = timedelta(seconds=30), **changes: Any) -> Destination:
        given = {
            "secrets": {"user": "USER", "password": "PASSWORD"},
            "sandbox": False,
            "step_seconds": 10 if timeout >= timedelta(seconds=30) else 60,
            "settle_seconds": 0,
        } | changes
        environment = {"USER": self.server.bank.user, "PASSWORD": self.server.bank.password}
        settings = BrowserSettings.model_validate(given, context={"environment": environment})
        return Destination(
            "legacy", self.server.url, timeout=timeout, allow_private=True, settings={"browser": settings}
        )

    def nowhere(self) -> Destination:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return replace(self.destination(), url=f"http://127.0.0.1:{taken.getsockname()[1]}")

    def refuse(self) -> None:
        self.server.plan("refuse")

    def fail(self) -> None:
        self.server.plan_pages("error")

    def keep_silent(self) -> None:
        self.server.plan("hang")

    def vanish(self) -> None:
        self.server.plan("vanish")

    def taken(self) -> dict[str, int]:
        return self.server.bank.counts()


@pytest.fixture
def stage() -> Iterator[LegacyStage]:
    with LegacyServer(LegacyBank(password=SECRET_TEXT)) as server:
        yield LegacyStage(server)


@pytest.fixture
def evidence() -> RememberedEvidence:
    return RememberedEvidence()


@pytest.fixture
def connector(evidence: RememberedEvidence) -> BrowserConnector:
    return BrowserConnector(SystemClock(), evidence)


@pytest.mark.browser
class TestBrowser(ConnectorContract):
    options: ClassVar[Mapping[str, Any]] = SCRIPT
    silence = timedelta(seconds=15)
    many = 3

    def a_delivery(self, destination: Destination) -> Delivery:
        return a_delivery(destination, options=self.options, data={"id": "d-1", "input": {"card": "4111111111111111"}})

    def test_one_at_a_time_acts_for_an_account_and_what_was_read_is_the_result(
        self, connector: BrowserConnector, stage: LegacyStage, evidence: RememberedEvidence
    ) -> None:
        deliveries = [self.a_delivery(stage.destination()) for _ in range(2)]

        async def run() -> list[Answer]:
            return list(await asyncio.gather(*map(connector.deliver, deliveries)))

        answers = asyncio.run(run())
        assert sorted(str((answer.result or {})["number"]) for answer in answers) == ["B-000001", "B-000002"]
        assert evidence.most == 1

    def test_each_step_leaves_a_picture_and_a_digest_but_no_secret(
        self, connector: BrowserConnector, stage: LegacyStage, evidence: RememberedEvidence
    ) -> None:
        delivery = self.a_delivery(stage.destination())
        self.deliver(connector, delivery)
        steps = sorted(evidence.steps.values(), key=lambda step: step.number)
        assert [step.number for step in steps] == list(range(1, len(LOGIN) + len(BLOCK) + 1))
        assert all(step.picture and step.picture.startswith(b"\xff\xd8") and step.digest for step in steps)
        assert [step.what for step in steps if step.commit] == ["click #submit in frame main"]
        assert SECRET_TEXT not in repr(steps)

    def test_without_done_when_a_lost_commit_is_left_to_a_person(
        self, connector: BrowserConnector, stage: LegacyStage
    ) -> None:
        stage.server.plan("lose")
        options = {name: value for name, value in SCRIPT.items() if name != "done_when"}
        delivery = replace(self.a_delivery(stage.destination(step_seconds=2)), options=options)

        async def run() -> list[Answer]:
            return [await connector.deliver(delivery), await connector.inquire(delivery)]

        lost, asked = asyncio.run(run())
        assert (lost.kind, asked.kind, asked.final) == (AnswerKind.UNKNOWN, AnswerKind.UNKNOWN, True)

    def test_nothing_outside_the_application_is_loaded_and_its_address_is_checked(
        self, connector: BrowserConnector, stage: LegacyStage
    ) -> None:
        [answer] = self.deliver(connector, self.a_delivery(replace(stage.destination(), allow_private=False)))
        assert answer.kind is AnswerKind.REFUSED
        assert "allow_private = true under [destinations.legacy]" in answer.detail


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"steps": [go("/")]}, "mark the click that cannot be taken back"),
        ({"steps": [click("a", commit=True), click("b", commit=True)]}, "one click is the commit"),
        ({"login": [click("a", commit=True)]}, "no step of login is a commit"),
        ({"steps": [{"do": "fill", "on": "a"}]}, "either a value or a secret"),
        ({"steps": [{"do": "go", "path": "login"}]}, "a path begins with /"),
        ({"steps": [{"do": "read", "on": "a"}]}, "read needs name"),
        ({"steps": [{"do": "go", "path": "/", "commit": True}]}, "go takes no commit"),
    ],
)
def test_a_script_that_cannot_be_is_refused_when_it_is_declared(changes: Mapping[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        BrowserOptions.model_validate(SCRIPT | changes)

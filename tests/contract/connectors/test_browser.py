"""The browser connector keeps the contract of connectors, against a card system of 2003."""

import asyncio
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery
from tests.contract.connectors.robots import asked

from andon import browser, choose, click, expect_text, fill, go, look, read, refused_when, secret
from andon.actions import Answer, AnswerKind, Delivery, Destination
from andon.connectors.browser import BrowserConnector, BrowserOptions, BrowserSettings
from andon.connectors.browser.settings import origin_of
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


PATIENCE = timedelta(seconds=60)


class LegacyStage:
    """The card system on loopback."""

    def __init__(self, server: LegacyServer) -> None:
        self.server = server

    def destination(self, *, timeout: timedelta = PATIENCE, **changes: Any) -> Destination:
        given = {
            "secrets": {"user": "USER", "password": "PASSWORD"},
            "sandbox": False,
            "step_seconds": 10 if timeout == PATIENCE else 60,
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


class Killed(BaseException):
    """Ends a delivery as the end of its process does."""


def killed() -> None:
    raise Killed


class ClockAhead(SystemClock):
    """Is ahead of the time."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead


def commits_of(evidence: RememberedEvidence) -> int:
    return sum(step.commit for step in evidence.steps.values())


@pytest.fixture
def stage() -> Iterator[LegacyStage]:
    with LegacyServer(LegacyBank(password=SECRET_TEXT)) as server:
        yield LegacyStage(server)


@pytest.fixture
def evidence() -> Iterator[RememberedEvidence]:
    kept = RememberedEvidence()
    yield kept
    assert kept.most <= 1, "two scripts acted for one account at once"


@pytest.fixture
def connector(evidence: RememberedEvidence) -> BrowserConnector:
    return BrowserConnector(SystemClock(), evidence)


@dataclass
class FirstDelivery:
    """A delivery that nothing disturbs, and how long it took on this machine."""

    answer: Answer
    evidence: RememberedEvidence
    seconds: float


@pytest.fixture(scope="class")
def first(request: pytest.FixtureRequest) -> FirstDelivery:
    """Deliver once; tests that need silence wait a few times as long as this took."""
    test, evidence = TestBrowser(), RememberedEvidence()
    with LegacyServer(LegacyBank(password=SECRET_TEXT)) as server:
        began = time.monotonic()
        [answer] = test.deliver(
            BrowserConnector(SystemClock(), evidence), test.a_delivery(LegacyStage(server).destination())
        )
        seconds = time.monotonic() - began
    request.cls.silence = timedelta(seconds=ceil(3 * seconds))
    return FirstDelivery(answer, evidence, seconds)


@pytest.mark.browser
@pytest.mark.usefixtures("first")
class TestBrowser(ConnectorContract):
    options: ClassVar[Mapping[str, Any]] = SCRIPT
    many = 3

    def a_delivery(self, destination: Destination) -> Delivery:
        return a_delivery(destination, options=self.options, data={"id": "d-1", "input": {"card": "4111111111111111"}})

    def test_each_step_leaves_a_picture_and_a_digest_but_no_secret(self, first: FirstDelivery) -> None:
        steps = sorted(first.evidence.steps.values(), key=lambda step: step.number)
        assert [step.number for step in steps] == list(range(1, len(LOGIN) + len(BLOCK) + 1))
        assert all(step.picture and step.picture.startswith(b"\xff\xd8") and step.digest for step in steps)
        assert [step.what for step in steps if step.commit] == ["click #submit in frame main"]
        assert SECRET_TEXT not in repr(steps)

    def test_what_was_read_is_the_result(self, first: FirstDelivery) -> None:
        assert first.answer.result == {"number": "B-000001"}

    def test_a_commit_that_was_on_record_but_never_sent_is_made_once_in_the_end(
        self, connector: BrowserConnector, stage: LegacyStage, evidence: RememberedEvidence
    ) -> None:
        delivery = self.a_delivery(stage.destination(step_seconds=600))
        evidence.on_begin = killed
        with pytest.raises(Killed):
            self.deliver(connector, delivery)
        assert (stage.taken(), commits_of(evidence)) == ({}, 1)
        evidence.on_begin = lambda: None
        early, later = (BrowserConnector(ClockAhead(timedelta(minutes=ahead)), evidence) for ahead in (9, 11))
        assert asked(early, delivery)[0].kind is AnswerKind.WAITING
        assert asked(later, delivery)[0].kind is AnswerKind.FAILED
        assert self.deliver(later, delivery)[0].kind is AnswerKind.DELIVERED
        assert (stage.taken(), commits_of(evidence)) == ({str(delivery.key): 1}, 2)

    def test_a_commit_that_the_application_still_works_on_is_not_sent_again(
        self, connector: BrowserConnector, stage: LegacyStage
    ) -> None:
        stage.server.plan("late")
        delivery = self.a_delivery(stage.destination(settle_seconds=60))

        async def run() -> list[Answer]:
            attempt = asyncio.create_task(connector.deliver(delivery))
            assert await asyncio.to_thread(stage.server.is_at_work.wait, 60)
            attempt.cancel()
            await asyncio.wait([attempt])
            early = await connector.inquire(delivery)
            stage.server.may_end.set()
            return [early, await connector.inquire(delivery)]

        assert [answer.kind for answer in asyncio.run(run())] == [AnswerKind.WAITING, AnswerKind.DELIVERED]
        assert stage.taken() == {str(delivery.key): 1}

    def test_nothing_is_committed_once_another_worker_has_taken_over(
        self, connector: BrowserConnector, stage: LegacyStage, evidence: RememberedEvidence
    ) -> None:
        evidence.is_taken_over = True
        [answer] = self.deliver(connector, self.a_delivery(stage.destination()))
        assert (answer.kind, stage.taken()) == (AnswerKind.FAILED, {})
        assert answer.detail == "another worker has taken this over, before the commit"

    def test_without_done_when_a_lost_commit_is_left_to_a_person(
        self, connector: BrowserConnector, stage: LegacyStage
    ) -> None:
        stage.vanish()
        options = {name: value for name, value in SCRIPT.items() if name != "done_when"}
        delivery = replace(self.a_delivery(stage.destination()), options=options)

        async def run() -> list[Answer]:
            return [await connector.deliver(delivery), await connector.inquire(delivery)]

        lost, inquired = asyncio.run(run())
        assert (lost.kind, inquired.kind, inquired.final) == (AnswerKind.UNKNOWN, AnswerKind.UNKNOWN, True)
        assert "a page got no answer" in lost.detail

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
        ({"steps": [expect_text("a"), click("a", commit=True)]}, "after the commit, use expect_text"),
        ({"login": [click("a", commit=True)]}, "no step of login may be a commit"),
        ({"steps": [{"do": "fill", "on": "a"}]}, "either a value or a secret"),
        ({"steps": [{"do": "go", "path": "login"}]}, "a path begins with /"),
        ({"steps": [{"do": "read", "on": "a"}]}, "read needs name"),
        ({"steps": [{"do": "go", "path": "/", "commit": True}]}, "go takes no commit"),
    ],
)
def test_a_script_that_cannot_be_is_refused_when_it_is_declared(changes: Mapping[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        BrowserOptions.model_validate(SCRIPT | changes)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Cards.Bank.example:443/app", "https://cards.bank.example"),
        ("http://[::1]:8700/", "http://[::1]:8700"),
        ("https://karten.bänk.example", "https://karten.xn--bnk-qla.example"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("also", "says"),
    [
        ("static.bank.example", "expected http:// or https:// with a host"),
        ("https://static.bank.example/css", "expected an origin, without a path"),
        ("https://me:hush@static.bank.example", "it holds a user or password"),
    ],
)
def test_what_is_no_origin_is_refused(also: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        BrowserSettings.model_validate({"also": [also]})

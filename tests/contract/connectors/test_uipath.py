"""The uipath connector keeps the contract of connectors; items are added once, jobs are looked for, ends are asked."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery
from tests.contract.connectors.robots import RobotStage, asked, at_orchestrator

from andon.actions import Answer, AnswerKind
from andon.connectors.uipath import UipathConnector, UipathOptions, UipathSettings
from andon.connectors.uipath.settings import token_url_of
from andon.kernel.clock import SystemClock
from orchestrator import Orchestrator
from receiver import Reply

QUEUE = {"queue": "PauseTransfer", "wait": False}


@pytest.fixture
def orchestrator() -> Iterator[Orchestrator]:
    with Orchestrator("andon", SECRET_TEXT) as orchestrator:
        yield orchestrator


@pytest.fixture
def stage(orchestrator: Orchestrator) -> RobotStage:
    return at_orchestrator(orchestrator)


@pytest.fixture
def connector() -> UipathConnector:
    return UipathConnector(SystemClock())


class TestQueue(ConnectorContract):
    options: ClassVar[Mapping[str, Any]] = QUEUE
    counts_repeats = False

    def test_a_repeat_is_recognised_as_delivered(
        self, connector: UipathConnector, stage: RobotStage, orchestrator: Orchestrator
    ) -> None:
        delivery = self.a_delivery(stage.destination())
        answers = self.deliver(connector, delivery, delivery)
        assert [answer.kind for answer in answers] == [AnswerKind.DELIVERED] * 2
        assert "error 1016" in answers[1].detail
        assert len(orchestrator.items) == 1

    def test_the_end_of_the_item_is_the_end_of_the_delivery(
        self, connector: UipathConnector, stage: RobotStage, orchestrator: Orchestrator
    ) -> None:
        delivery = a_delivery(stage.destination(), options={"queue": "PauseTransfer"})
        [begun] = self.deliver(connector, delivery)
        assert begun.kind is AnswerKind.WAITING
        assert asked(connector, delivery)[0].kind is AnswerKind.WAITING
        orchestrator.finish(str(delivery.key), Output={"reference": "B-17"})
        [ended] = asked(connector, delivery)
        assert ended.kind is AnswerKind.DELIVERED
        assert ended.result is not None
        assert ended.result["output"] == {"reference": "B-17"}

    @pytest.mark.parametrize(
        ("status", "kind", "words"),
        [
            ("Failed", AnswerKind.REFUSED, "because of a business rule: no such card"),
            ("Abandoned", AnswerKind.UNKNOWN, "abandoned"),
            ("Deleted", AnswerKind.REFUSED, "deleted"),
            ("Retried", AnswerKind.WAITING, "Retried"),
        ],
    )
    def test_other_ends_are_told_apart(
        self,
        connector: UipathConnector,
        stage: RobotStage,
        orchestrator: Orchestrator,
        status: str,
        kind: AnswerKind,
        words: str,
    ) -> None:
        delivery = a_delivery(stage.destination(), options={"queue": "PauseTransfer"})
        self.deliver(connector, delivery)
        why = {"Reason": "no such card", "Type": "BusinessException"}
        orchestrator.finish(str(delivery.key), status, ProcessingException=why)
        [ended] = asked(connector, delivery)
        assert ended.kind is kind
        assert words in ended.detail

    def test_a_queue_that_takes_a_reference_twice_is_not_used(
        self, connector: UipathConnector, stage: RobotStage
    ) -> None:
        [answer] = self.deliver(connector, a_delivery(stage.destination(), options={"queue": "Loose"}))
        assert (answer.kind, stage.taken()) == (AnswerKind.REFUSED, {})
        assert "does not enforce unique references" in answer.detail

    def test_an_unknown_queue_is_named(self, connector: UipathConnector, stage: RobotStage) -> None:
        [answer] = self.deliver(connector, a_delivery(stage.destination(), options={"queue": "O'Neill"}))
        assert (answer.kind, answer.detail) == (AnswerKind.REFUSED, 'the folder has no queue "O\'Neill"')

    def test_the_folder_and_the_content_are_sent(
        self, connector: UipathConnector, stage: RobotStage, orchestrator: Orchestrator
    ) -> None:
        options = {**QUEUE, "content": {"Amount": "{input.amount}", "Whole": ["{id}"], "Key": "{key}"}}
        delivery = a_delivery(stage.destination(), options=options)
        self.deliver(connector, delivery)
        [item] = orchestrator.items.values()
        assert item["SpecificContent"] == {"Amount": 12.5, "Whole": '["d-1"]', "Key": str(delivery.key)}
        assert orchestrator.requests[-1].headers["x-uipath-folderpath"] == "Shared/Payments"

    def test_a_token_is_fetched_once_and_renewed_when_refused(
        self, connector: UipathConnector, stage: RobotStage, orchestrator: Orchestrator
    ) -> None:
        async def run() -> list[Answer]:
            first = [await connector.deliver(self.a_delivery(stage.destination())) for _ in range(3)]
            orchestrator.revoke()
            last = await connector.deliver(self.a_delivery(stage.destination()))
            await connector.close()
            return [*first, last]

        assert {answer.kind for answer in asyncio.run(run())} == {AnswerKind.DELIVERED}
        assert orchestrator.tokens_given == 2


class TestJob(ConnectorContract):
    options: ClassVar[Mapping[str, Any]] = {"process": "BlockCard", "wait": False}

    def test_a_job_that_may_still_arrive_is_not_started_again(
        self, connector: UipathConnector, stage: RobotStage
    ) -> None:
        delivery = self.a_delivery(stage.destination(settle_seconds=30))
        now = datetime.now(UTC)
        early, late = asked(
            connector, replace(delivery, sent_at=now), replace(delivery, sent_at=now - timedelta(seconds=31))
        )
        assert (early.kind, late.kind) == (AnswerKind.WAITING, AnswerKind.FAILED)
        assert early.retry_after is not None
        assert timedelta(seconds=25) < early.retry_after <= timedelta(seconds=30)

    def test_a_process_that_was_made_anew_is_found_again(
        self, connector: UipathConnector, stage: RobotStage, orchestrator: Orchestrator
    ) -> None:
        async def run() -> list[Answer]:
            first = await connector.deliver(self.a_delivery(stage.destination()))
            orchestrator.processes["BlockCard"] = "another-key"
            later = [await connector.deliver(self.a_delivery(stage.destination())) for _ in range(2)]
            await connector.close()
            return [first, *later]

        expected = [AnswerKind.DELIVERED, AnswerKind.REFUSED, AnswerKind.DELIVERED]
        assert [answer.kind for answer in asyncio.run(run())] == expected

    def test_an_error_of_the_server_may_have_started_it(
        self, connector: UipathConnector, stage: RobotStage, orchestrator: Orchestrator
    ) -> None:
        orchestrator.plan(Reply(500))
        [answer] = self.deliver(connector, self.a_delivery(stage.destination()))
        assert answer.kind is AnswerKind.UNKNOWN

    @pytest.mark.parametrize(("state", "kind"), [("Faulted", AnswerKind.REFUSED), ("Running", AnswerKind.WAITING)])
    def test_the_end_of_the_job_is_the_end_of_the_delivery(
        self, connector: UipathConnector, stage: RobotStage, orchestrator: Orchestrator, state: str, kind: AnswerKind
    ) -> None:
        delivery = a_delivery(stage.destination(), options={"process": "BlockCard"})
        [begun] = self.deliver(connector, delivery)
        orchestrator.finish(str(delivery.key), state)
        [now] = asked(connector, delivery)
        orchestrator.finish(str(delivery.key), OutputArguments='{"reference": "B-1"}')
        [ended] = asked(connector, delivery)
        assert [begun.kind, now.kind, ended.kind] == [AnswerKind.WAITING, kind, AnswerKind.DELIVERED]
        assert ended.result is not None
        assert ended.result["output"] == {"reference": "B-1"}


def test_an_action_names_either_a_queue_or_a_process() -> None:
    for options in ({}, {"queue": "a", "process": "b"}, {"queue": "a", "content": "text"}):
        with pytest.raises(ValidationError):
            UipathOptions.model_validate(options)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://cloud.uipath.com/bank/prod/orchestrator_", "https://cloud.uipath.com/bank/identity_/connect/token"),
        ("https://orchestrator.bank.example", "https://orchestrator.bank.example/identity/connect/token"),
        ("https://bank.example/orchestrator_", "https://bank.example/identity_/connect/token"),
    ],
)
def test_tokens_are_given_in_the_cloud_and_on_premises(url: str, expected: str) -> None:
    assert token_url_of(url, UipathSettings()) == expected

"""The robocorp connector keeps the contract, in Control Room and with files; both kinds of failure are told apart."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery
from tests.contract.connectors.robots import RobotStage, asked

from andon.actions import AnswerKind, Destination
from andon.connectors.robocorp import RobocorpConnector, RobocorpSettings
from andon.kernel.clock import SystemClock
from control_rooms import Robocorp


@pytest.fixture
def room() -> Iterator[Robocorp]:
    with Robocorp(SECRET_TEXT) as room:
        yield room


@pytest.fixture
def stage(room: Robocorp) -> RobotStage:
    return RobotStage(room, "robocorp", RobocorpSettings, "/api/v1", workspace="w1", api_key_env="SECRET")


@pytest.fixture
def connector() -> RobocorpConnector:
    return RobocorpConnector(SystemClock())


class TestControlRoom(ConnectorContract):
    options: ClassVar[Mapping[str, Any]] = {"process": "p1", "wait": False}

    @pytest.mark.parametrize(
        ("kind", "expected"), [("BUSINESS", AnswerKind.REFUSED), ("APPLICATION", AnswerKind.FAILED)]
    )
    def test_a_business_failure_is_for_good_and_one_of_the_application_is_tried_again(
        self, connector: RobocorpConnector, stage: RobotStage, room: Robocorp, kind: str, expected: AnswerKind
    ) -> None:
        delivery = a_delivery(stage.destination(), options={"process": "p1"})
        [begun] = self.deliver(connector, delivery)
        assert begun.kind is AnswerKind.WAITING
        room.finish(str(delivery.key), "failed", exception={"type": kind, "code": "CARD", "message": "no such card"})
        [ended] = asked(connector, delivery)
        assert ended.kind is expected
        assert "CARD no such card" in ended.detail
        self.deliver(connector, delivery)
        room.finish(str(delivery.key))
        [again] = asked(connector, delivery)
        assert again.kind is AnswerKind.DELIVERED

    def test_an_item_is_found_behind_many_others(
        self, connector: RobocorpConnector, stage: RobotStage, room: Robocorp
    ) -> None:
        deliveries = [self.a_delivery(stage.destination()) for _ in range(45)]
        self.deliver(connector, *deliveries)
        [found] = asked(connector, deliveries[0])
        assert found.kind is AnswerKind.DELIVERED

    def test_an_item_that_cannot_be_read_by_its_id_is_not_made_again(
        self, connector: RobocorpConnector, stage: RobotStage, room: Robocorp
    ) -> None:
        delivery = self.a_delivery(stage.destination())
        [begun] = self.deliver(connector, delivery)
        assert begun.result is not None
        room.shows_pages = True
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        [found] = asked(connector, replace(delivery, sent_at=long_ago, sent_result=begun.result))
        assert found.kind is AnswerKind.DELIVERED


def test_a_file_of_one_item_is_written_once_for_each_key(connector: RobocorpConnector, tmp_path: Path) -> None:
    delivery = a_delivery(
        Destination("robots", tmp_path.as_uri()), options={"process": "p1", "payload": {"card": "{id}"}}
    )
    answers = TestControlRoom().deliver(connector, delivery, delivery)
    assert [answer.kind for answer in answers] == [AnswerKind.DELIVERED] * 2
    [file] = (tmp_path / "p1").iterdir()
    [item] = json.loads(file.read_text())
    assert item == {"payload": {"card": "d-1", "andon_key": str(delivery.key)}, "files": {}}
    never = a_delivery(Destination("robots", tmp_path.as_uri()), options={"process": "p1"})
    assert [answer.kind for answer in asked(connector, delivery, never)] == [AnswerKind.DELIVERED, AnswerKind.FAILED]


def test_a_folder_that_cannot_be_written_is_a_failure(connector: RobocorpConnector, tmp_path: Path) -> None:
    (tmp_path / "p1").write_text("a file in the way")
    delivery = a_delivery(Destination("robots", tmp_path.as_uri()), options={"process": "p1"})
    [answer] = TestControlRoom().deliver(connector, delivery)
    assert (answer.kind, answer.detail) == (AnswerKind.FAILED, "the file cannot be written (FileExistsError)")


@pytest.mark.parametrize("url", ["file://srv/robots", "file:robots", "file://"])
def test_a_url_that_names_no_folder_writes_nowhere(connector: RobocorpConnector, url: str) -> None:
    delivery = a_delivery(Destination("robots", url), options={"process": "p1"})
    [answer] = TestControlRoom().deliver(connector, delivery)
    assert answer.kind is AnswerKind.REFUSED
    assert answer.detail == "[destinations.robots] cannot be used: expected a url of the form file:///FOLDER"
    assert asked(connector, delivery)[0].kind is AnswerKind.UNKNOWN

"""The automation_anywhere connector keeps the contract; bots are found by our key, their ends are asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery
from tests.contract.connectors.robots import RobotStage, asked

from andon.actions import AnswerKind, is_genuine_callback
from andon.connectors.automation_anywhere import AutomationAnywhereConnector, ControlRoomSettings
from andon.kernel.clock import SystemClock
from control_rooms import AutomationAnywhere
from receiver import Reply


@pytest.fixture
def room() -> Iterator[AutomationAnywhere]:
    with AutomationAnywhere("andon", SECRET_TEXT) as room:
        yield room


@pytest.fixture
def stage(room: AutomationAnywhere) -> RobotStage:
    return RobotStage(
        room, "automation_anywhere", ControlRoomSettings, user="andon", api_key_env="SECRET", run_as=[7], pools=[3]
    )


@pytest.fixture
def connector() -> AutomationAnywhereConnector:
    return AutomationAnywhereConnector(SystemClock())


class TestAutomationAnywhere(ConnectorContract):
    options: ClassVar[Mapping[str, Any]] = {"bot": 42, "wait": False}

    def test_the_order_holds_inputs_users_and_a_signed_call_back(
        self, connector: AutomationAnywhereConnector, stage: RobotStage, room: AutomationAnywhere
    ) -> None:
        options = {"bot": 42, "inputs": {"card": "{input.name}", "amount": "{input.amount}"}}
        delivery = a_delivery(stage.destination(callback_url="https://andon.bank.example"), options=options)
        [answer] = self.deliver(connector, delivery)
        assert answer.kind is AnswerKind.WAITING
        [order] = room.orders
        assert order["botInput"]["amount"] == {"type": "NUMBER", "number": 12.5}
        assert order["unattendedRequest"] == {"runAsUserIds": [7], "poolIds": [3]}
        address, _, token = order["callbackInfo"]["url"].partition("?token=")
        assert address == f"https://andon.bank.example/v1/actions/{delivery.key}/callback"
        assert is_genuine_callback(delivery.destination.secrets, delivery.key, token)
        assert not is_genuine_callback(delivery.destination.secrets, a_delivery(stage.destination()).key, token)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            ("RUN_FAILED", AnswerKind.REFUSED),
            ("DEPLOY_FAILED", AnswerKind.REFUSED),
            ("IN_PROGRESS", AnswerKind.WAITING),
            ("UPDATE", AnswerKind.WAITING),
        ],
    )
    def test_the_end_of_the_bot_is_the_end_of_the_delivery(
        self,
        connector: AutomationAnywhereConnector,
        stage: RobotStage,
        room: AutomationAnywhere,
        status: str,
        kind: AnswerKind,
    ) -> None:
        delivery = a_delivery(stage.destination(), options={"bot": 42})
        self.deliver(connector, delivery)
        room.finish(str(delivery.key), status)
        [now] = asked(connector, delivery)
        room.finish(str(delivery.key), botOutVariables={"values": {"ref": {"string": "B-1"}}})
        [ended] = asked(connector, delivery)
        assert [now.kind, ended.kind] == [kind, AnswerKind.DELIVERED]
        assert ended.result is not None
        assert "output" in ended.result

    def test_what_may_have_happened_is_unknown_and_nothing_is_concluded_too_early(
        self, connector: AutomationAnywhereConnector, stage: RobotStage, room: AutomationAnywhere
    ) -> None:
        room.plan(Reply(500))
        delivery = self.a_delivery(stage.destination())
        [answer] = self.deliver(connector, delivery)
        [early] = asked(connector, replace(delivery, sent_at=datetime.now(UTC)))
        assert [answer.kind, early.kind] == [AnswerKind.UNKNOWN, AnswerKind.WAITING]

"""The power_automate connector keeps the contract; runs are found by our key in the address they call back."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError
from tests.contract.connectors.contract import SECRET_TEXT, ConnectorContract, a_delivery
from tests.contract.connectors.robots import RobotStage, asked

from andon.actions import AnswerKind, Destination
from andon.connectors.power_automate import FlowOptions, PowerAutomateConnector, PowerAutomateSettings
from andon.kernel.clock import SystemClock
from control_rooms import PowerAutomate

FLOW = "f091ffab-58bb-4630-a115-659453d56f59"


class DataverseStage(RobotStage):
    """An environment whose runs call back."""

    def destination(self, *, timeout: timedelta = timedelta(seconds=5), **changes: Any) -> Destination:
        return super().destination(timeout=timeout, **({"callback_url": "https://andon.bank.example"} | changes))


@pytest.fixture
def environment() -> Iterator[PowerAutomate]:
    with PowerAutomate("andon", SECRET_TEXT) as environment:
        yield environment


@pytest.fixture
def stage(environment: PowerAutomate) -> RobotStage:
    return DataverseStage(
        environment,
        "power_automate",
        PowerAutomateSettings,
        token_url=f"{environment.url}/token",
        client_id="andon",
        client_secret_env="SECRET",
        connection="desk",
    )


@pytest.fixture
def connector() -> PowerAutomateConnector:
    return PowerAutomateConnector(SystemClock())


class TestDesktopFlow(ConnectorContract):
    options: ClassVar[Mapping[str, Any]] = {"flow": FLOW, "wait": False}

    def test_the_end_of_the_flow_is_the_end_of_the_delivery(
        self, connector: PowerAutomateConnector, stage: RobotStage, environment: PowerAutomate
    ) -> None:
        options = {"flow": FLOW, "inputs": {"Card": "{input.name}"}, "run_mode": "attended"}
        delivery = a_delivery(stage.destination(), options=options)
        [begun] = self.deliver(connector, delivery)
        assert begun.result is not None
        later = replace(delivery, sent_result=begun.result)
        [now] = asked(connector, later)
        environment.finish(str(delivery.key), outputs={"Reference": "B-1"})
        [ended] = asked(connector, later)
        assert [begun.kind, now.kind, ended.kind] == [AnswerKind.WAITING, AnswerKind.WAITING, AnswerKind.DELIVERED]
        assert ended.result == {**begun.result, "output": {"Reference": "B-1"}}
        [session] = environment.sessions.values()
        assert (session["order"]["runMode"], session["order"]["connectionName"]) == ("attended", "desk")

    @pytest.mark.parametrize("status", [7, 8, 10])
    def test_a_flow_that_failed_is_refused(
        self, connector: PowerAutomateConnector, stage: RobotStage, environment: PowerAutomate, status: int
    ) -> None:
        delivery = a_delivery(stage.destination(), options={"flow": FLOW})
        self.deliver(connector, delivery)
        environment.finish(str(delivery.key), status, errormessage="no such window")
        [ended] = asked(connector, delivery)
        assert ended.kind is AnswerKind.REFUSED
        assert "no such window" in ended.detail

    def test_without_a_call_back_a_lost_run_cannot_be_found(
        self, connector: PowerAutomateConnector, stage: RobotStage
    ) -> None:
        delivery = a_delivery(stage.destination(callback_url=None), options={"flow": FLOW})
        assert not connector.can_inquire(delivery)
        assert connector.can_inquire(replace(delivery, sent_result={"session": FLOW}))


class TestHttpTrigger(ConnectorContract):
    @pytest.fixture
    def stage(self, environment: PowerAutomate) -> RobotStage:
        return RobotStage(environment, "power_automate", PowerAutomateSettings, "/trigger")

    def test_the_flow_gets_the_key(
        self, connector: PowerAutomateConnector, stage: RobotStage, environment: PowerAutomate
    ) -> None:
        delivery = a_delivery(stage.destination(), options={"inputs": {"amount": "{input.amount}"}})
        self.deliver(connector, delivery)
        assert environment.triggered == [{"amount": 12.5, "andon_key": str(delivery.key)}]


def test_a_flow_is_named_by_its_id() -> None:
    with pytest.raises(ValidationError, match="expected the id of a desktop flow"):
        FlowOptions.model_validate({"flow": "workflows(1)/Delete"})

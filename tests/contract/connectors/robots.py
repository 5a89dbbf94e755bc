"""What the tests of robots' connectors share: a stage on a fake control room, and inquiries."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, SecretStr
from tests.contract.connectors.contract import SECRET_TEXT

from andon.actions import Answer, Delivery, Destination, Inquiring
from andon.connectors.uipath import UipathSettings
from faulty import FaultyServer
from orchestrator import Orchestrator
from receiver import HangUp, Reply, Slow


class RobotStage:
    """A control room on loopback."""

    def __init__(
        self, server: FaultyServer, kind: str, settings: type[BaseModel], below: str = "", **given: Any
    ) -> None:
        self.server = server
        self.kind, self.settings, self.below, self.given = kind, settings, below, given

    def destination(
        self, *, timeout: timedelta = timedelta(seconds=5), callback_url: str | None = None, **changes: Any
    ) -> Destination:
        settings = self.settings.model_validate(self.given | changes, context={"environment": {"SECRET": SECRET_TEXT}})
        return Destination(
            "robots",
            self.server.url + self.below,
            secrets=(SecretStr(SECRET_TEXT),),
            timeout=timeout,
            allow_private=True,
            callback_url=callback_url,
            settings={self.kind: settings},
        )

    def nowhere(self) -> Destination:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return replace(self.destination(), url=f"http://127.0.0.1:{taken.getsockname()[1]}{self.below}")

    def refuse(self) -> None:
        self.server.plan(Reply(422))

    def fail(self) -> None:
        self.server.plan(Reply(503))

    def keep_silent(self) -> None:
        self.server.plan(Slow(30))

    def vanish(self) -> None:
        self.server.plan(HangUp())

    def taken(self) -> Mapping[str, int]:
        return dict(self.server.taken)


def at_orchestrator(orchestrator: Orchestrator) -> RobotStage:
    """Return the stage of an Orchestrator as it is in the cloud."""
    given = {"client_id": "andon", "client_secret_env": "SECRET", "folder": "Shared/Payments"}
    return RobotStage(orchestrator, "uipath", UipathSettings, "/bank/test/orchestrator_", **given)


def asked(connector: Any, *deliveries: Delivery) -> list[Answer]:
    """Ask what became of deliveries."""

    async def run() -> list[Answer]:
        assert isinstance(connector, Inquiring)
        answers = [await connector.inquire(delivery) for delivery in deliveries]
        await connector.close()
        return answers

    return asyncio.run(run())

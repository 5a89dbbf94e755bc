"""A gateway with the bank's tools, and a client that reaches it without a socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from andon.access import Grant, Role
from andon.gateway import create_app
from andon.kernel.db import Database
from lines import Installation, install
from toolboxes import a_toolbox


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, a_toolbox())


@pytest.fixture
def key(installation: Installation) -> str:
    return installation.key("lang", Grant(Role.AGENT, "bank-tools"))


@pytest.fixture
def client(installation: Installation, key: str) -> Iterator[TestClient]:
    gateway, side = installation.gateway()
    app = create_app(gateway, side)

    async def with_lifespan(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await gateway.decider.close()
        await send({"type": "lifespan.shutdown.complete"})

    with TestClient(with_lifespan, base_url="http://gateway") as client:
        yield client

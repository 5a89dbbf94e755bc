"""The filters of the decisions page: what cannot be one is said, whatever was typed."""

from pathlib import Path

import httpx
import pytest
from tests.served import served

from andon import console
from andon.access import Grant, KeyRing, Role
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from lines import PEPPER, Installation, install


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


def test_a_filter_that_cannot_be_read_is_named(installation: Installation) -> None:
    app = console.create_app(Settings(), installation.database, installation.clock, KeyRing(PEPPER), Events())
    token = installation.key("somebody", Grant(Role.VIEWER))
    with served(app) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
        client.post("/sign-in", data={"key": token, "next": "/"})
        for typed in ("x", "0", "-1", "1.5", "2147483648", "9" * 5000, "²"):
            page = client.get("/decisions", params={"model_version": typed})
            assert page.status_code == 422
            assert "Model version: expected a whole number from 1 to 2147483647" in page.text
        for typed in ("", " 1 ", "2147483647"):
            assert client.get("/decisions", params={"model_version": typed}).status_code == 200
        for typed in ("soon", "9999-12-31T23:59:59-14:00"):
            page = client.get("/decisions", params={"since": typed})
            assert (page.status_code, "From: expected a time" in page.text) == (422, True)

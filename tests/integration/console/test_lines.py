"""The page of a line: operators pull the cord there with a reason, owners release it, and strangers see nothing."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tests.served import served

from andon import console, cord
from andon.access import Grant, KeyRing, Role
from andon.cord import LineState
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from automations import an_automation
from lines import PEPPER, Installation, install, register_champion
from packages import a_package

PAGE = "/lines/payments"


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path, an_automation())


@contextmanager
def visiting(installation: Installation, *grants: Grant) -> Iterator[httpx.Client]:
    """Somebody with these grants, signed in."""
    app = console.create_app(Settings(), installation.database, installation.clock, KeyRing(PEPPER), Events())
    token = installation.key(f"somebody-{uuid4().hex}", *grants)
    with served(app) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
        client.post("/sign-in", data={"key": token, "next": "/"})
        yield client


def post(client: httpx.Client, action: str, **fields: str) -> httpx.Response:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(PAGE).text)
    return client.post(f"{PAGE}/{action}", data={"csrf": found[1] if found else "", **fields})


def states(installation: Installation) -> list[tuple[dict[str, object], LineState]]:
    with installation.database.begin() as tx:
        return [(dict(change.segment), change.after) for change in cord.in_force(tx, "payments")]


def test_an_operator_pulls_the_cord_and_an_owner_releases_it(installation: Installation) -> None:
    with visiting(installation, Grant(Role.OPERATOR, "payments")) as client:
        assert "Release" not in client.get(PAGE).text
        refused = post(client, "pull", state="supervised", reason=" ")
        assert refused.status_code == 422
        assert "A reason is required" in refused.text
        assert (
            post(client, "pull", state="stopped", field="country", value="AT", reason="new <rules>").status_code == 303
        )
        assert states(installation) == [({"country": "AT"}, LineState.STOPPED)]
        shown = client.get(PAGE).text
        assert "country = AT" in shown
        assert "new &lt;rules&gt;" in shown
        assert "1 held" in client.get("/").text
        assert post(client, "release", field="country", value="AT", reason="done").status_code == 403
    with visiting(installation, Grant(Role.OWNER, "payments")) as client:
        assert post(client, "release", field="country", value="AT", reason="done").status_code == 303
    assert states(installation) == []


def test_who_may_only_look_has_no_button_and_the_stranger_no_page(installation: Installation) -> None:
    with visiting(installation, Grant(Role.VIEWER, "payments")) as client:
        assert "Pull the cord</button>" not in client.get(PAGE).text
    with visiting(installation, Grant(Role.OWNER, "other")) as client:
        assert client.get(PAGE).status_code == 404


def test_a_gate_of_a_version_that_answers_no_more_is_not_in_force(installation: Installation) -> None:
    with visiting(installation, Grant(Role.VIEWER)) as client:
        assert '<span class="tag good">in force</span>' in client.get(PAGE).text
        other = register_champion(installation.database, a_package(installation.folder / "other", seed=2))
        assert other.number == 2
        assert '<span class="tag good">in force</span>' not in client.get(PAGE).text

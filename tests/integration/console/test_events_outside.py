"""Events that could not be sent outside are among the dead letters, for those who see everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from tests.served import served

from andon import actions, console
from andon.access import Grant, KeyRing, Role
from andon.actions import EventRoute
from andon.decisions import DELIVER_ACTION
from andon.kernel import outbox
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.models import AliasSet
from calls import call
from lines import PEPPER, Installation, install


@pytest.fixture
def installation(standing: None, database: Database, tmp_path: Path) -> Installation:
    return install(database, tmp_path)


@pytest.fixture
def dead(installation: Installation) -> UUID:
    """Return the id of an event that could not be sent."""
    events, now = Events(), installation.clock.now()
    actions.send_outside(events, [EventRoute(("*",), "ops", "webhook", {})])
    with installation.database.begin() as tx:
        events.publish(tx, AliasSet("fraud-risk", "champion", 2, 1, "olga", "better", at=now))
        [message] = outbox.page(
            tx, DELIVER_ACTION, outbox.MessageState.PENDING, which=outbox.MessageSelection(), limit=5
        )
        outbox.settle(tx, message.id, outbox.MessageState.DEAD, now=now, error="gone (410)")
    return message.id


@pytest.fixture
def address(installation: Installation) -> Iterator[str]:
    app = console.create_app(Settings(), installation.database, installation.clock, KeyRing(PEPPER), Events())
    with served(app) as address:
        yield address


@contextmanager
def signed_in(address: str, token: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"Origin": address}) as client:
        client.post("/sign-in", data={"key": token, "next": "/"})
        yield client


def test_it_is_shown_without_a_decision(installation: Installation, dead: UUID, address: str) -> None:
    with signed_in(address, installation.key("otto", Grant(Role.OPERATOR))) as client:
        assert "andon.alias.set" in client.get("/actions").text
        page = client.get(f"/actions/{dead}").text
    assert "andon.alias.set to ops" in page
    assert "gone (410)" in page
    assert "/decisions/" not in page
    shown = call(installation, "GET", f"/v1/actions/{dead}", installation.key("ada", Grant(Role.OPERATOR))).json()
    assert (shown["decision_id"], shown["automation"], shown["state"]) == (None, "", "dead")


def test_who_sees_one_automation_only_does_not_see_it(installation: Installation, dead: UUID, address: str) -> None:
    token = installation.key("stranger", Grant(Role.OPERATOR, "payments"))
    with signed_in(address, token) as client:
        assert "andon.alias.set" not in client.get("/actions").text
        assert client.get(f"/actions/{dead}").status_code == 404
    assert call(installation, "GET", f"/v1/actions/{dead}", token).status_code == 404

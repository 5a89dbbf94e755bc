"""Streams in the console: a dead event is mended and sent again, a stream stopped, by who may and with a reason."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from markupsafe import escape
from pydantic_core import to_json
from tests.integration.streams.streaming import KEY, reading, run, scalar, streaming, until
from tests.served import served

from andon import console, streams
from andon.access import Grant, KeyRing, Role
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.streams import DeadState
from andon.testing import MemorySource
from automations import payment
from lines import PEPPER, Installation

PLACE = "/streams/payments/memory:payments"


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    installation = streaming(database, tmp_path)

    async def test() -> None:
        source = MemorySource()
        source.send(b'{"amount": "<script>"}')
        async with reading(installation, source):
            await until(lambda: scalar(installation, "SELECT count(*) FROM dead_events") == 1)

    run(test)
    return installation


@contextmanager
def visiting(installation: Installation, *grants: Grant, events: Events | None = None) -> Iterator[httpx.Client]:
    """Somebody with these grants, signed in."""
    bus = events or Events()
    app = console.create_app(Settings(), installation.database, installation.clock, KeyRing(PEPPER), bus)
    token = installation.key("somebody", *grants)
    with served(app) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
        client.post("/sign-in", data={"key": token, "next": "/streams"})
        yield client


def post(client: httpx.Client, page: str, action: str, **fields: str) -> httpx.Response:
    """Send the form of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(page).text)
    csrf = found[1] if found else ""
    return client.post(action, data={"csrf": csrf, **fields})


def test_an_operator_mends_an_event_and_stops_the_stream(installation: Installation) -> None:
    with visiting(installation, Grant(Role.OPERATOR, "payments")) as client:
        listed = client.get("/streams").text
        assert "memory:payments" in listed
        assert "Field required" in listed
        assert "<script>&#34;" not in listed
        with installation.database.begin() as tx:
            (event,) = streams.dead_events(tx)
        page = f"/streams/dead_events/{event.id}"
        assert "&lt;script&gt;" in client.get(page).text
        came = event.data.decode()
        refused = post(client, page, f"{page}/resend", data=came, came=came, reason=" ")
        assert refused.status_code == 422
        typed = '{"payment_id": "p1", '
        broken = post(client, page, f"{page}/resend", data=typed, came=came, reason="half mended")
        assert broken.status_code == 422
        assert "It is not JSON" in broken.text
        assert str(escape(typed)) in broken.text, "what was typed is not lost"
        assert "half mended" in broken.text
        sent = post(client, page, f"{page}/resend", data=to_json(payment(1)).decode(), came=came, reason="mended")
        assert sent.headers["location"] == f"{page}?done=event-resent"
        with installation.database.begin() as tx:
            assert streams.get_dead(tx, event.id).state is DeadState.SENT
        assert post(client, PLACE, f"{PLACE}/pause", reason="a look").status_code == 303
        with installation.database.begin() as tx:
            assert streams.get(tx, KEY).paused_by == "somebody"
        assert post(client, PLACE, f"{PLACE}/seek", reason="back", to="soon").status_code == 422
        assert post(client, PLACE, f"{PLACE}/seek", reason="back", to="start").status_code == 303
        assert "Paused by somebody" in client.get(PLACE).text


def test_a_viewer_sees_and_a_stranger_does_not(installation: Installation) -> None:
    with installation.database.begin() as tx:
        (event,) = streams.dead_events(tx)
    with visiting(installation, Grant(Role.VIEWER, "payments")) as client:
        assert "<form" not in client.get(PLACE).text.partition("<main")[2]
        assert client.get(f"/streams/dead_events/{event.id}").status_code == 200
    with installation.database.begin() as tx:
        key = next(iter(tx.exec_driver_sql("SELECT id FROM access_keys WHERE name = 'somebody'")))[0]
        tx.exec_driver_sql("UPDATE access_keys SET name = 'earlier' WHERE id = %s", (key,))
    with visiting(installation, Grant(Role.OWNER, "lending")) as client:
        assert client.get(PLACE).status_code == 404
        assert client.get(f"/streams/dead_events/{event.id}").status_code == 404
        assert "memory:payments" not in client.get("/streams").text

"""The pages of alerts, incidents and silences: what everybody sees, what operators do, and what a release asks for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tests.served import served

from alarming import a_guarded_automation, alerts_of, all_events, breached, recovered
from andon import CordRule, alerts, console, cord
from andon.access import Grant, KeyRing, Role
from andon.alerts import AlertState
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.monitors import Level
from lines import PEPPER, Installation, install

SEGMENT = {"country": "AT"}


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    automation = a_guarded_automation(CordRule("drift"), checklist=("cause <found>", "owner informed"))
    return install(database, tmp_path, automation)


@contextmanager
def visiting(installation: Installation, *grants: Grant) -> Iterator[httpx.Client]:
    """Somebody with these grants, signed in."""
    app = console.create_app(Settings(), installation.database, installation.clock, KeyRing(PEPPER), all_events())
    token = installation.key(f"somebody-{uuid4().hex}", *grants)
    with served(app) as address, httpx.Client(base_url=address, headers={"Origin": address}) as client:
        client.post("/sign-in", data={"key": token, "next": "/"})
        yield client


def post(client: httpx.Client, page: str, action: str, **fields: object) -> httpx.Response:
    """Send a form of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(page).text)
    return client.post(action, data={"csrf": found[1] if found else "", **fields})


def critical(installation: Installation) -> str:
    now = installation.clock.now()
    message = "amount <moved>"
    alert = breached(installation.database, all_events(), now, level=Level.CRITICAL, segment=SEGMENT, message=message)
    return f"/alerts/{alert.id}"


def test_an_alert_is_shown_with_what_it_means_and_an_operator_works_on_it(installation: Installation) -> None:
    page = critical(installation)
    with visiting(installation, Grant(Role.OPERATOR, "payments")) as client:
        assert 'class="count"' in client.get("/").text
        listed = client.get("/alerts").text
        assert page in listed
        assert "amount &lt;moved&gt;" in listed
        shown = client.get(page).text
        for part in (
            "country = AT",
            "with a probability of at most 0.0005",
            "The cord was pulled: country=AT is supervised",
            'class="observed"',
            "segment=country%3DAT",
            "open it",
        ):
            assert part in shown
        assert post(client, page, f"{page}/acknowledge", comment="").status_code == 303
        assert 'class="count"' not in client.get("/").text
        refused = post(client, page, f"{page}/silence", what="monitor", span="1 day", reason=" ")
        assert refused.status_code == 422
        assert post(client, page, f"{page}/silence", what="monitor", span="1 day", reason="noise").status_code == 303
        assert "Silenced by" in client.get(page).text
        silences = client.get("/alerts/silences").text
        found = re.search(r'action="(/alerts/silences/[^"]+/end)"', silences)
        assert found
        assert post(client, "/alerts/silences", found[1], reason="quiet again").status_code == 303
        assert post(client, page, f"{page}/resolve", reason="a test file").status_code == 303
        assert post(client, page, f"{page}/resolve", reason="a test file").status_code == 409
        assert page not in client.get("/alerts").text
        assert page in client.get("/alerts?state=all").text


def test_who_may_only_look_has_no_button_and_the_stranger_no_page(installation: Installation) -> None:
    page = critical(installation)
    with visiting(installation, Grant(Role.VIEWER, "payments")) as client:
        assert "<button" not in client.get(page).text.partition("<main")[2]
        assert post(client, "/alerts", f"{page}/acknowledge").status_code == 403
    with visiting(installation, Grant(Role.OWNER, "other")) as client:
        assert client.get(page).status_code == 404
        assert page not in client.get("/alerts?state=all").text
        assert 'class="count"' not in client.get("/").text
        assert "amount" not in client.get("/incidents").text


def test_an_incident_has_an_owner_comments_a_timeline_and_a_cause(installation: Installation) -> None:
    critical(installation)
    with visiting(installation, Grant(Role.OPERATOR, "payments")) as client:
        found = re.search(r'href="(/incidents/[^"]+)"', client.get("/incidents").text)
        assert found
        page = found[1]
        assert post(client, page, f"{page}/own", owner="").status_code == 303
        assert post(client, page, f"{page}/comment", message="a <new> partner").status_code == 303
        shown = client.get(page).text
        assert "a &lt;new&gt; partner" in shown
        assert "automatic to supervised" in shown
        assert post(client, page, f"{page}/end", cause=" ").status_code == 422
        assert post(client, page, f"{page}/end", cause="a new partner").status_code == 303
        assert "a new partner" in client.get("/incidents").text
        opened = post(client, "/incidents", "/incidents", automation="payments", title="complaints")
        assert opened.status_code == 303
        assert "complaints" in client.get(opened.headers["location"]).text


def test_a_release_after_a_rule_shows_the_checklist_and_asks_for_it(installation: Installation) -> None:
    critical(installation)
    line = "/lines/payments"
    with visiting(installation, Grant(Role.OWNER, "payments")) as client:
        shown = client.get(line).text
        assert "cause &lt;found&gt;" in shown
        assert "Rules that pull the cord" in shown
        release = {"field": "country", "value": "AT", "reason": "known"}
        refused = post(client, line, f"{line}/release", **release, item=["cause <found>"])
        assert refused.status_code == 409
        assert "Not ticked: owner informed" in refused.text
        both = ["cause <found>", "owner informed"]
        assert post(client, line, f"{line}/release", **release, item=both).status_code == 409
        recovered(installation.database, all_events(), installation.clock.now(), segment=SEGMENT)
        assert post(client, line, f"{line}/release", **release, item=both).status_code == 303
    with installation.database.begin() as tx:
        assert cord.in_force(tx, "payments") == []


def test_an_owner_adds_and_removes_a_rule_and_an_operator_runs_a_drill(installation: Installation) -> None:
    line = "/lines/payments"
    with visiting(installation, Grant(Role.OWNER, "payments")) as client:
        added = post(client, line, f"{line}/rules", monitor="latency", level="warning", segment="", reason="promised")
        assert added.status_code == 303
        found = re.search(r'action="(/lines/payments/rules/[^"]+/remove)"', client.get(line).text)
        assert found
        assert post(client, line, found[1], reason="no more").status_code == 303
        assert "promised" not in client.get(line).text
    with visiting(installation, Grant(Role.OPERATOR, "payments")) as client:
        assert post(client, line, f"{line}/rules", monitor="x", reason="y").status_code == 403
        assert post(client, line, f"{line}/drill", reason="the monthly one").status_code == 303
        assert "under way" in client.get(line).text
        assert post(client, line, f"{line}/drill", reason="another").status_code == 409
        [alert] = alerts_of(installation.database, AlertState.OPEN, drills=True)
        assert "nothing is wrong" in client.get(f"/alerts/{alert.id}").text
        assert 'class="count"' not in client.get("/").text
    with installation.database.begin() as tx:
        assert alerts.list_drills(tx, "payments")[0].pulled_at is not None

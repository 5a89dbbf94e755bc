"""Alerts, silences, incidents and rules over HTTP: viewers read, operators work, strangers see nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from alarming import a_guarded_automation, all_events, breached, recovered
from andon import CordRule
from andon.access import Grant, Role
from andon.kernel.db import Database
from andon.monitors import Level
from automations import payment
from calls import DECIDE, call
from lines import CALLER, Installation, install

SEGMENT = {"country": "AT"}
LINE = "/v1/automations/payments/cord"


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    automation = a_guarded_automation(CordRule("drift", "critical", "supervised"), checklist=("cause found",))
    return install(database, tmp_path, automation)


@pytest.fixture
def keys(installation: Installation) -> dict[str, str]:
    roles = {"vera": Role.VIEWER, "otto": Role.OPERATOR, "olga": Role.OWNER, "kai": Role.CALLER}
    found = {name: installation.key(name, Grant(role, "payments")) for name, role in roles.items()}
    return found | {"stan": installation.key("stan", Grant(Role.OWNER, "other"))}


def critical(installation: Installation) -> str:
    now = installation.clock.now()
    return str(breached(installation.database, all_events(), now, level=Level.CRITICAL, segment=SEGMENT).id)


def test_an_alert_says_all_that_a_person_needs(installation: Installation, keys: dict[str, str]) -> None:
    alert = critical(installation)
    [listed] = call(installation, "GET", "/v1/alerts", keys["vera"]).json()["alerts"]
    shown = call(installation, "GET", f"/v1/alerts/{alert}", keys["vera"]).json()
    [found], [brief] = shown["findings"], listed.pop("findings")
    assert listed.items() <= shown.items()
    assert brief.items() <= found.items()
    assert (shown["id"], shown["level"], shown["segment"]) == (alert, "critical", SEGMENT)
    assert (found["series"], found["false_alarm"]) == ("amount", 0.0005)
    assert shown["done"][0].startswith("The cord was pulled: country=AT is supervised")
    assert found["detail"]["reference"] == [600, 300, 100]
    assert [line["kind"] for line in shown["timeline"]] == ["raised"]
    assert shown["shown_decisions"]["segment"] == SEGMENT


def test_the_decisions_behind_it_are_found_by_its_filter(installation: Installation, keys: dict[str, str]) -> None:
    bank = installation.key("bank", CALLER)
    for number, country in enumerate(("AT", "DE", "AT")):
        assert call(installation, "POST", DECIDE, bank, json=payment(number, country=country)).status_code == 200
    alert = critical(installation)
    wanted = call(installation, "GET", f"/v1/alerts/{alert}", keys["vera"]).json()["shown_decisions"]
    segment = [f"{name}={value}" for name, value in wanted.pop("segment").items()]
    found = call(installation, "GET", "/v1/decisions", keys["vera"], params={**wanted, "segment": segment})
    assert len(found.json()["decisions"]) == 2
    by_amount = call(installation, "GET", "/v1/decisions", keys["vera"], params={"segment": "amount=50"})
    assert len(by_amount.json()["decisions"]) == 3
    refused = call(installation, "GET", "/v1/decisions", keys["vera"], params={"segment": "country"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "segment")


def test_an_operator_acknowledges_and_resolves_with_a_reason(installation: Installation, keys: dict[str, str]) -> None:
    alert = f"/v1/alerts/{critical(installation)}"
    assert call(installation, "POST", f"{alert}/acknowledge", keys["vera"], json={}).status_code == 403
    done = call(installation, "POST", f"{alert}/acknowledge", keys["otto"], json={"comment": "on it"}).json()
    assert (done["state"], done["acknowledged_by"]) == ("acknowledged", "otto")
    assert call(installation, "POST", f"{alert}/resolve", keys["otto"], json={"reason": " "}).status_code == 422
    over = call(installation, "POST", f"{alert}/resolve", keys["otto"], json={"reason": "a test file"}).json()
    assert (over["state"], over["resolved_by"], over["resolution"]) == ("resolved", "otto", "a test file")
    again = call(installation, "POST", f"{alert}/resolve", keys["otto"], json={"reason": "again"})
    assert again.status_code == 409
    assert call(installation, "GET", "/v1/alerts", keys["vera"]).json()["alerts"] == []
    assert len(call(installation, "GET", "/v1/alerts?state=resolved", keys["vera"]).json()["alerts"]) == 1
    entries = call(installation, "GET", "/v1/audit/entries", installation.key("a", Grant(Role.ADMIN))).json()["entries"]
    assert {"alert.acknowledge", "alert.resolve", "line.state"} <= {entry["action"] for entry in entries}


def test_the_stranger_and_the_program_see_nothing(installation: Installation, keys: dict[str, str]) -> None:
    alert = critical(installation)
    assert call(installation, "GET", f"/v1/alerts/{alert}", keys["stan"]).status_code == 404
    assert call(installation, "GET", "/v1/alerts", keys["stan"]).json()["alerts"] == []
    assert call(installation, "GET", "/v1/incidents", keys["stan"]).json()["incidents"] == []
    assert call(installation, "GET", "/v1/alerts", keys["kai"]).status_code == 403
    assert call(installation, "GET", "/v1/alerts", None).status_code == 401
    assert call(installation, "GET", f"{LINE}/rules", keys["stan"]).status_code == 403


def test_a_silence_has_a_reason_and_an_end(installation: Installation, keys: dict[str, str]) -> None:
    alert, until = critical(installation), (installation.clock.now() + timedelta(hours=2)).isoformat()
    wanted = {"automation": "payments", "monitor": "drift", "until": until, "reason": "a campaign"}
    for who, status in (("vera", 403), ("stan", 403), ("otto", 201)):
        made = call(installation, "POST", "/v1/silences", keys[who], json=wanted)
        assert made.status_code == status
    silence = made.json()
    assert (silence["in_force"], silence["made_by"], silence["segment"]) == (True, "otto", None)
    shown = call(installation, "GET", f"/v1/alerts/{alert}", keys["vera"]).json()
    assert shown["silenced_until"] is not None
    everywhere = {**wanted, "automation": None}
    assert call(installation, "POST", "/v1/silences", keys["otto"], json=everywhere).status_code == 403
    past = call(installation, "POST", "/v1/silences", keys["otto"], json={**wanted, "until": "2020-01-01T00:00:00Z"})
    assert (past.status_code, past.json()["errors"][0]["field"]) == (422, "until")
    end = f"/v1/silences/{silence['id']}/end"
    assert call(installation, "POST", end, keys["otto"], json={"reason": "over"}).json()["ended_by"] == "otto"
    assert call(installation, "POST", end, keys["otto"], json={"reason": "over"}).status_code == 404
    assert [one["in_force"] for one in call(installation, "GET", "/v1/silences", keys["vera"]).json()] == [False]


def test_an_incident_goes_from_its_first_alert_to_its_cause_and_knows_its_recovery(
    installation: Installation, keys: dict[str, str]
) -> None:
    alert, events, now = critical(installation), all_events(), installation.clock.now()
    breached(installation.database, events, now + timedelta(minutes=1), series="account")
    [incident] = call(installation, "GET", "/v1/incidents?open=true", keys["vera"]).json()["incidents"]
    assert (incident["held"], incident["recovery_seconds"], incident["owner"]) == (True, None, None)
    place = f"/v1/incidents/{incident['id']}"
    assert call(installation, "POST", f"{place}/own", keys["vera"], json={}).status_code == 403
    assert call(installation, "POST", f"{place}/own", keys["otto"], json={}).json()["owner"] == "otto"
    call(installation, "POST", f"{place}/comment", keys["otto"], json={"message": "a new partner sends more"})
    second = call(
        installation, "POST", "/v1/incidents", keys["otto"], json={"automation": "payments", "title": "again"}
    )
    assert second.status_code == 409
    recovered(installation.database, events, now + timedelta(minutes=30), segment=SEGMENT)
    released = _released(installation, keys["olga"], {"done": ["cause found"]})
    assert released.json()["in_force"] == []
    ended = call(installation, "POST", f"{place}/end", keys["otto"], json={"cause": "a new partner"}).json()
    assert (ended["cause"], ended["ended_by"]) == ("a new partner", "otto")
    assert 0 <= ended["recovery_seconds"] < 120
    assert {one["findings"][0]["series"] for one in ended["alerts"]} == {"amount", "account"}
    kinds = [line["kind"] for line in ended["timeline"]]
    assert sorted(kinds) == sorted(
        ["opened", "cord", "raised", "raised", "owner", "comment", "resolved", "cord", "ended"]
    )
    assert kinds[:3] == ["opened", "cord", "raised"]
    assert call(installation, "POST", f"{place}/end", keys["otto"], json={"cause": "x"}).status_code == 409
    later = breached(installation.database, events, now + timedelta(hours=2), series="country", level=Level.CRITICAL)
    assert later.incident not in (None, UUID(incident["id"]))
    assert call(installation, "GET", f"/v1/alerts/{alert}", keys["vera"]).json()["incident"] == incident["id"]


def test_rules_are_the_owners_and_a_release_asks_for_the_checklist(
    installation: Installation, keys: dict[str, str]
) -> None:
    rules = call(installation, "GET", f"{LINE}/rules", keys["vera"]).json()
    assert (rules["usual"], rules["checklist"], len(rules["rules"])) == (False, ["cause found"], 1)
    rule = {"monitor": "latency", "level": "warning", "state": "stopped", "reason": "we promised it"}
    assert call(installation, "POST", f"{LINE}/rules", keys["otto"], json=rule).status_code == 403
    made = call(installation, "POST", f"{LINE}/rules", keys["olga"], json=rule).json()
    assert (made["added_by"], made["segment"]) == ("olga", True)
    assert call(installation, "POST", f"{LINE}/rules", keys["olga"], json={**rule, "monitor": " "}).status_code == 422
    never = call(installation, "POST", f"{LINE}/rules", keys["olga"], json={**rule, "level": "critical"})
    assert (never.status_code, "would never pull" in never.json()["detail"]) == (422, True)
    gone = call(installation, "POST", f"{LINE}/rules/{made['id']}/remove", keys["olga"], json={"reason": "x"})
    assert gone.status_code == 200
    critical(installation)
    refused = _released(installation, keys["olga"], {})
    assert refused.status_code == 409
    assert [fault["field"] for fault in refused.json()["errors"]] == ["done", "anyway"]
    assert _released(installation, keys["olga"], {"done": ["cause found"]}).status_code == 409
    assert _released(installation, keys["otto"], {"done": ["cause found"], "anyway": True}).status_code == 403
    assert _released(installation, keys["olga"], {"done": ["cause found"], "anyway": True}).status_code == 200


def _released(installation: Installation, key: str, given: dict[str, Any]) -> httpx.Response:
    body = {"segment": SEGMENT, "reason": "the partner is known", **given}
    return call(installation, "POST", f"{LINE}:release", key, json=body)

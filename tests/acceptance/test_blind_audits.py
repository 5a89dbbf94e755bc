"""Blind audits of a running installation: drawn at decision, worked over HTTP, counted, changed at once."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from andon_demo.line import Line
from automations import payment
from calls import DECIDE
from receiver import Receiver
from running import prepared

AUTOMATION = """
from andon import BlindAudit, MaxError
from automations import an_automation

payments = an_automation()
payments.risk = MaxError(0.2)
payments.audit = BlindAudit(0.5, least=0.000001, most=1.0, queue="audits")
"""


@pytest.fixture
def line() -> Iterator[Line]:
    with Receiver() as receiver, prepared(receiver.url) as line:
        (line.folder / "automation.py").write_text(AUTOMATION, encoding="utf-8")
        line.up()
        yield line


@pytest.fixture
def client(line: Line) -> Iterator[httpx.Client]:
    key = line.key("ada", "admin").split()[-1]
    with httpx.Client(base_url=line.url, headers={"Authorization": f"Bearer {key}"}, trust_env=False) as client:
        yield client


def asked(client: httpx.Client, numbers: range) -> dict[str, Any]:
    """Each payment's record, by its id."""
    ids = [client.post(DECIDE, json=payment(number)).json()["id"] for number in numbers]
    return {identifier: client.get(f"/v1/decisions/{identifier}").json() for identifier in ids}


def waiting(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/v1/reviews", params={"blind": True, "limit": 100}).json()["reviews"]
    return found


def test_what_is_drawn_is_asked_blindly_counted_and_the_share_is_changed_while_it_runs(
    line: Line, client: httpx.Client
) -> None:
    records = asked(client, range(1, 31))
    drawn = {identifier for identifier, record in records.items() if record["audit_drawn"]}
    assert {record["audit_probability"] for record in records.values()} == {0.5}
    assert 0 < len(drawn) < len(records)
    line.wait_until("the audits were opened", lambda: len(waiting(client)) == len(drawn), timeout=60)
    assert {review["decision_id"] for review in waiting(client)} == drawn

    for review, value in zip(waiting(client), ("ok", "fraud"), strict=False):
        path = f"/v1/reviews/{review['id']}"
        assert set(client.post(f"{path}/claim").json()["decision"]) == {"id", "automation", "input", "features"}
        said = client.post(f"{path}/verdict", json={"outcome": value, "reason": "looked it up"}).json()
        assert (said["predicted"], said["agrees"]) == ("ok", value == "ok")
    key = client.headers["Authorization"].removeprefix("Bearer ")
    counted = line.metrics("andon_blind_audits_total", key, port=line.worker)
    assert counted == {"automation=payments,result=agreed": 1.0, "automation=payments,result=disagreed": 1.0}

    line.command("audits", "set", "payments", "--share", "1", "--reason", "a new pattern")

    def all_are_drawn() -> bool:
        return all(record["audit_drawn"] for record in asked(client, range(40, 43)).values())

    line.wait_until("the share was taken over", all_are_drawn, timeout=30)
    assert "identical (100.00%)" in line.command("replay", "--last", "30", "--verify")

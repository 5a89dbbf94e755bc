"""The live gate of a running installation: labels widen it, an error closes it, decisions name their revision."""

import json
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from andon_demo.line import Line
from automations import payment
from calls import DECIDE
from receiver import Receiver
from running import prepared

AUTOMATION = '''
from datetime import timedelta

from andon import Automation, BlindAudit, MaxError, Policy, Review, Truth
from automations import Payment

payments = Automation(
    "payments",
    contract=Payment,
    model="fraud-risk",
    policy=Policy.yaml("""
outcomes: [release, pause, review]
rules:
  - {id: risky, when: 'risk.certain && prediction.score >= 0.5', then: pause}
  - {id: safe, when: 'risk.certain && prediction.score < 0.5', then: release}
otherwise: review
"""),
    risk=MaxError(0.1),
    review=Review(queue="fraud", due=timedelta(seconds=30)),
    audit=BlindAudit(0.9, due=timedelta(seconds=30)),
    truth=Truth({"pause": "fraud", "release": "ok"}),
)
'''
pytestmark = pytest.mark.timeout(300)

GATES = "/v1/automations/payments/gates"


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


def decided(client: httpx.Client, count: int, seed: int) -> list[dict[str, Any]]:
    """Return the records of so many payments of random amounts."""
    amounts = random.Random(seed)
    rows = [payment(number, amount=amounts.gammavariate(2.0, 100.0)) for number in range(count)]
    ids = [client.post(DECIDE, json=row).raise_for_status().json()["id"] for row in rows]
    return [client.get(f"/v1/decisions/{identifier}").json() for identifier in ids]


def report(client: httpx.Client, records: list[dict[str, Any]], *, right: bool) -> None:
    """Say of what was drawn, and of all that went to a person, whether the prediction was right."""
    other = {"ok": "fraud", "fraud": "ok"}
    rows = [
        {
            "decision_id": one["id"],
            "value": one["label"] if right else other[one["label"]],
            "source": "blind_audit",
            "probability": one["audit_probability"] or 1.0,
        }
        for one in records
        if one["audit_drawn"] or one["outcome"] == "review"
    ]
    body = "\n".join(map(json.dumps, rows))
    answer = client.post("/v1/labels", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text


def newest(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(GATES).json()[0]
    return found


def test_labels_widen_the_gate_of_a_running_line_and_an_error_closes_it(line: Line, client: httpx.Client) -> None:
    records = decided(client, 300, seed=1)
    held_out = newest(client)
    assert held_out["origin"] == "held_out"
    report(client, records, right=True)
    line.wait_until("labels widened the gate", lambda: newest(client)["origin"] == "live", timeout=90)
    live = newest(client)
    assert live["threshold"] < held_out["threshold"]
    assert "automatic; error of the automatic part" in live["sentence"]

    def follows() -> bool:
        return all(one["gate_revision"] == live["revision"] for one in decided(client, 3, seed=2))

    line.wait_until("gateways took the gate over", follows, timeout=30)
    assert "in force" in line.command("gates", "curve", "payments")
    report(client, decided(client, 80, seed=3), right=False)
    line.wait_until("the error closed the gate", lambda: newest(client)["threshold"] == 2.0, timeout=90)
    assert newest(client)["sentence"].startswith("nothing automatic: the error rose")
    line.wait_until(
        "everything goes to people",
        lambda: {one["outcome"] for one in decided(client, 5, seed=4)} == {"review"},
        timeout=30,
    )
    assert "identical (100.00%)" in line.command("replay", "--last", "300", "--verify")

"""Alerts of a running installation: a drill that every process follows, and dead letters reported once."""

import json

import httpx

from automations import payment
from calls import DECIDE
from receiver import Receiver, Reply
from running import prepared

ROUTE = """
[destinations.ops]
url = "{url}"
secret_env = "BANK_SECRET"
allow_private = true

[alerts.all]
destination = "ops"
"""


def test_every_process_follows_a_drill_and_a_receiver_hears_of_dead_letters() -> None:
    with Receiver() as bank, Receiver() as ops, prepared(bank.url) as line:
        settings = line.folder / "andon.toml"
        settings.write_text(settings.read_text(encoding="utf-8") + ROUTE.format(url=ops.url), encoding="utf-8")
        line.up()
        passed = line.command("drills", "run", "payments", "--reason", "the first one")
        assert "The drill passed: 1 process held the cord within" in passed
        assert "payments is automatic" in line.command("cord", "show", "payments")
        bank.always(Reply(400))
        headers = {"Authorization": f"Bearer {line.key('otto', 'admin').split()[-1]}"}
        with httpx.Client(base_url=line.url, headers=headers, trust_env=False, timeout=30) as client:
            for number in range(3):
                assert client.post(DECIDE, json=payment(number)).status_code == 200
            assert ops.wait_for(1, within=60)
            [alert] = client.get("/v1/alerts").json()["alerts"]
            assert (alert["monitor"], alert["series"], alert["automation"]) == ("deliveries", "bank", "payments")
            taken = client.post(f"/v1/alerts/{alert['id']}/acknowledge", json={"comment": "the bank moved"})
            assert taken.json()["state"] == "acknowledged"
        listed = json.loads(line.command("alerts", "list", "--json"))
        line.down()
        [message] = ops.taken().values()
    assert [one["id"] for one in listed] == [alert["id"]]
    assert message.event["type"] == "andon.alerts.changed"
    assert [one["id"] for one in message.event["data"]["alerts"]] == [alert["id"]]
    assert message.event["data"]["drill"] is False
    assert ops.forged == 0

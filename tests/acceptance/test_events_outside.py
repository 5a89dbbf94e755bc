"""Changes through every door reach another system as CloudEvents: by the command line, and by the API."""

from typing import Any

import httpx

from andon_demo.line import Line
from automations import payment
from calls import DECIDE
from receiver import Receiver
from running import prepared

ROUTE = """
[destinations.ops]
url = "{url}"
secret_env = "BANK_SECRET"
allow_private = true

[events.changes]
types = ["andon.alias.set", "andon.verdict.*", "andon.key.revoked", "andon.split.set"]
destination = "ops"
"""


def test_a_receiver_hears_of_changes_made_at_every_door() -> None:
    with Receiver() as bank, Receiver() as ops, prepared(bank.url) as line:
        settings = line.folder / "andon.toml"
        settings.write_text(settings.read_text(encoding="utf-8") + ROUTE.format(url=ops.url), encoding="utf-8")
        line.command("models", "alias", "set", "stable", "1", "--reason", "it answers well")
        line.up()
        headers = {"Authorization": f"Bearer {Line.key(line, 'otto', 'admin')}"}
        with httpx.Client(base_url=line.url, headers=headers, trust_env=False, timeout=30) as client:
            decision = decided_by_a_person(line, client)
            split = {"shares": {}, "shadows": [], "reason": "as it is"}
            assert client.put("/v1/automations/payments/split", json=split).status_code == 200
            gone = client.post(
                "/v1/keys", json={"name": "gone", "grants": [{"role": "viewer"}], "reason": "for a while"}
            ).json()
            assert client.post(f"/v1/keys/{gone['id']}/revoke", json={"reason": "left"}).status_code == 200
        assert ops.wait_for(3, within=60)
        line.down()
        sent = {one.event["type"]: one.event for one in ops.taken().values()}
    assert sorted(sent) == ["andon.alias.set", "andon.key.revoked", "andon.verdict.given"]
    assert ops.forged == 0
    alias, verdict = sent["andon.alias.set"], sent["andon.verdict.given"]
    assert (alias["subject"], alias["data"]["alias"], alias["data"]["version"]) == ("model:fraud-risk", "stable", 1)
    assert (verdict["subject"], verdict["source"]) == (f"decision:{decision}", "/andon")
    assert (verdict["data"]["outcome"], verdict["data"]["by"], verdict["data"]["reason"]) == ("pause", "otto", "odd")
    assert "input" not in str(verdict["data"])


def decided_by_a_person(line: Line, client: httpx.Client) -> str:
    """Return the id of a decision that went to a person, who paused it."""
    decided = client.post(DECIDE, json=payment(1, amount=290.0)).json()
    found: list[dict[str, Any]] = []

    def opened() -> bool:
        found[:] = client.get("/v1/reviews").json()["reviews"]
        return bool(found)

    line.wait_until("the review is open", opened, timeout=60)
    path = f"/v1/reviews/{found[0]['id']}"
    assert client.post(f"{path}/claim").status_code == 200
    assert client.post(f"{path}/verdict", json={"outcome": "pause", "reason": "odd"}).status_code == 200
    return str(decided["id"])

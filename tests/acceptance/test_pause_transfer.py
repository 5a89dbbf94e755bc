"""The example's procedure behind a review, with real processes: a pause, a question, and a worker that is killed."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from andon_demo.line import Line
from automations import payment
from calls import DECIDE
from receiver import Receiver, Reply
from running import prepared

EXAMPLE = Path(__file__).parents[2] / "examples" / "transfer_screening" / "procedures.py"
AUTOMATION = """
from andon import Automation, Policy, Review, run_procedure, webhook

import automations
from procedures import pause_transfer

payments = Automation(
    "payments",
    contract=automations.Payment,
    model="fraud-risk",
    policy=Policy.yaml(automations.POLICY),
    actions={"pause": run_procedure(pause_transfer), "release": webhook("bank")},
    procedures=[pause_transfer],
    review=Review(queue="fraud"),
)
"""


@dataclass
class Bank:
    """The line, the system that holds the transfers, and an operator's way in."""

    line: Line
    receiver: Receiver
    client: httpx.Client

    def paused_by_a_person(self, number: int) -> str:
        """Return the id of the decision that went to a person, who paused it."""
        decided = self.client.post(DECIDE, json=payment(number, amount=290.0)).json()
        assert decided["outcome"] == "review"
        review = self.until(lambda: next((one for one in self.reviews() if one["decision_id"] == decided["id"]), None))
        path = f"/v1/reviews/{review['id']}"
        assert self.client.post(f"{path}/claim").status_code == 200
        said = self.client.post(f"{path}/verdict", json={"outcome": "pause", "reason": "not like him"})
        assert said.status_code == 200, said.text
        return str(decided["id"])

    def reviews(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get("/v1/reviews").json()["reviews"]
        return found

    def procedure(self, decision: str, state: str) -> dict[str, Any]:
        """Return the procedure of a decision, as soon as it is in a state."""

        def found() -> Any:
            listed = self.client.get("/v1/procedures", params={"state": state}).json()["procedures"]
            return next((one for one in listed if one["decision_id"] == decision), None)

        return dict(self.until(found))

    def until(self, found: Callable[[], Any]) -> Any:
        """Return the first truthy result of `found`."""
        seen: list[Any] = []

        def holds() -> bool:
            seen[:] = [found()]
            return bool(seen[0])

        self.line.wait_until("it was found", holds, timeout=60)
        return seen[0]

    def told(self, procedure: str) -> list[str]:
        """Return what core banking got of a procedure, each once by its key, in order."""
        events = [one.event for one in list(self.receiver.received.values())]
        return [one["type"] for one in events if one["data"].get("procedure") == procedure]


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    with Receiver() as receiver, prepared(receiver.url) as line:
        (line.folder / "automation.py").write_text(AUTOMATION, encoding="utf-8")
        code = EXAMPLE.read_text(encoding="utf-8").replace("core-banking", "bank").replace("transfer_id", "payment_id")
        (line.folder / "procedures.py").write_text(code, encoding="utf-8")
        line.up()
        headers = {"Authorization": f"Bearer {line.key('otto', 'admin').split()[-1]}"}
        with httpx.Client(base_url=line.url, headers=headers, trust_env=False, timeout=30) as client:
            yield Bank(line, receiver, client)


@pytest.mark.crash
def test_the_customer_answers_while_the_worker_is_dead_and_the_transfer_is_released(bank: Bank) -> None:
    decision = bank.paused_by_a_person(1)
    waits = bank.procedure(decision, "waiting")
    bank.until(lambda: bank.told(waits["id"])[-1:] == ["decision.notify-customer"])
    waits = bank.procedure(decision, "waiting")
    (worker,) = bank.line.running("worker")
    worker.send_signal(signal.SIGKILL)
    with suppress(psutil.NoSuchProcess):
        worker.wait(10)
    answer = bank.client.post(
        f"/v1/procedures/{waits['id']}/events/customer-answer",
        json={"data": {"mine": True}},
        headers={"Idempotency-Key": "1"},
    )
    assert answer.status_code == 201, answer.text
    done = bank.procedure(decision, "done")
    assert bank.told(done["id"]) == ["decision.pause", "decision.notify-customer", "decision.release"]
    shown = json.loads(bank.line.command("procedures", "show", done["id"], "--json"))
    assert (shown["result"], [one["name"] for one in shown["timeline"]]) == (
        "release",
        ["pause", "notify-customer", "customer-answer", "release"],
    )


def test_what_cannot_be_told_to_the_customer_is_undone(bank: Bank) -> None:
    bank.receiver.plan(Reply(204), Reply(422))
    failed = bank.procedure(bank.paused_by_a_person(2), "failed")
    assert bank.told(failed["id"]) == ["decision.pause", "decision.release"]
    shown = json.loads(bank.line.command("procedures", "show", failed["id"], "--json"))
    assert "notify-customer" in shown["error"]
    assert [(one["name"], one["undo"]) for one in shown["timeline"]][-1] == ("release", True)
    acted = bank.client.get(f"/v1/decisions/{failed['decision_id']}").json()["actions"]
    assert "pause-transfer" in [action["destination"] for action in acted]

"""The chaos suite's project: events and calls, windows, a model, rules, deliveries and a procedure that may fail."""

from collections.abc import Mapping
from pathlib import Path

AUTOMATION = """
from datetime import timedelta
from typing import Any

from andon import Automation, Policy, Procedure, Retry, Review, kafka, nats, procedure, run_procedure, table, webhook
from automations import POLICY, Payment, an_automation
from pydantic import BaseModel

BANK = webhook("bank")


class Decided(BaseModel):
    id: str
    input: dict[str, Any]


def refuse_sanctioned(country: str) -> str:
    if country == "KP":
        raise ValueError("sanctioned")
    return country


@procedure("hold-payment")
async def hold_payment(p: Procedure, decision: Decided) -> str:
    "Hold it for a moment and lift that; what is sanctioned fails after it was held, so that the hold is undone."
    payment = {"id": decision.id, "procedure": str(p.id)}

    async def let_go() -> None:
        await p.deliver(BANK, payment, event="let-go")

    await p.deliver(BANK, payment, event="hold", compensate=let_go)
    await p.step(refuse_sanctioned, decision.input["country"], retry=Retry(attempts=1))
    await p.sleep(timedelta(seconds=1))
    await p.deliver(BANK, payment, event="lift")
    return "lifted"


SAME = {
    "contract": Payment,
    "subject": "account",
    "features": an_automation().features,
    "model": "fraud-risk",
    "policy": Policy.yaml(POLICY),
    "review": Review(queue="fraud"),
}
TOLD = {"pause": BANK, "release": BANK}
events = Automation("events", **SAME, actions=TOLD, trigger=(TRIGGERS))

# An eighth of the accounts: two cores cannot do more procedures, and a restarted process would wait for them.
WATCHED = (
    POLICY.replace("outcomes: [", "outcomes: [hold, ")
    .replace("lists:", "lists:\\n  watched: [a0, a1, a2, a3, a4, a5]")
    .replace("rules:", "rules:\\n  - {id: watched, when: 'input.account in lists.watched', then: hold}")
)
held = {"hold": run_procedure(hold_payment), **TOLD}
payments = Automation("payments", **SAME | {"policy": Policy.yaml(WATCHED)}, actions=held, procedures=[hold_payment])
"""

TABLE = """
CREATE TABLE incoming (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event text UNIQUE, at timestamptz NOT NULL,
    account text, amount float8, country text, payment_id text
)
"""

TOPIC, STREAM, PARTITIONS = "payments", "PAYMENTS", 4
"""Where events are sent to; the topic has so many partitions, and all accounts of one are in one."""

SETTINGS = """
[gateway]
timeout_seconds = 5

[destinations.bank]
url = "{url}"
secret_env = "BANK_SECRET"
allow_private = true
max_attempts = 1000
timeout_seconds = 2
"""

CONNECTIONS = {
    "kafka": '[connections.kafka]\nkind = "kafka"\nservers = ["127.0.0.1:{port}"]\n',
    "nats": '[connections.nats]\nkind = "nats"\nservers = ["nats://127.0.0.1:{port}"]\n',
}
TRIGGERS = {
    "table": 'table("incoming", at="at", key="account")',
    "kafka": f'kafka("{TOPIC}")',
    "nats": f'nats("{STREAM}")',
}


def write_project(folder: Path, receiver: int, brokers: Mapping[str, int]) -> None:
    """Write it for a receiver and brokers that are reached on these ports."""
    triggers = ", ".join(trigger for name, trigger in TRIGGERS.items() if name == "table" or name in brokers)
    (folder / "automation.py").write_text(AUTOMATION.replace("TRIGGERS", f"{triggers},"), encoding="utf-8")
    connections = "".join(CONNECTIONS[name].format(port=port) for name, port in brokers.items())
    settings = SETTINGS.format(url=f"http://127.0.0.1:{receiver}/hook")
    (folder / "andon.toml").write_text(settings + connections, encoding="utf-8")

"""What the outside receives of a decision: read from the ledger, byte for byte what the line said when it decided."""

import asyncio
import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace
from pydantic_core import from_json

from andon import decisions
from andon.decisions import Decision
from andon.decisions.content import answer_content_of
from andon.decisions.store import reading
from andon.kernel import outbox
from andon.kernel.ids import uuid7
from arms import Here, arm, request_of, traffic
from automations import payment
from lines import Installation
from messages import connected

from .deciding import a_line, all_of, deciding
from .test_arms import broken
from .test_decider import a_request, decide_all

RAW = (
    b'{"country":"KP", "payment_id":"Zo\\u00eb \\ud83d\\ude00 \\/","account":"a1","amount":1e2,"amount":20.50,'
    b'"n":123456789012345678901234567890}'
)


def as_it_was_said(decision: Decision) -> dict[str, Any]:
    """Return a decision's messages as rows held them when they copied it."""
    request, ruling, prediction = decision.request, decision.judgement.ruling, decision.judgement.prediction
    return {
        "id": str(request.id),
        "automation": decision.line.automation,
        "automation_version": decision.line.automation_version,
        "decided_at": decision.decided_at.isoformat(),
        "outcome": ruling.outcome,
        "rule": ruling.rule,
        "score": None if prediction is None else prediction.score,
        "label": None if prediction is None else prediction.label,
        "confidence": None if prediction is None else prediction.confidence,
        "certain": decision.judgement.risk.certain,
        "gate_revision": decision.judgement.risk.revision,
        "line_state": "automatic",
        "model": {"name": decision.line.model.name, "version": decision.line.model.version},
        "policy_version": decision.line.policy_version,
        "arm": decision.line.arm,
        "correlation_id": request.correlation_id,
        "input": from_json(request.raw),
        "reasons": list(ruling.reasons),
        "decided_by": "policy",
    }


def read(installation: Installation, decision: Decision) -> tuple[Any, Any]:
    """Its record, by each of the two drivers."""
    identifier = decision.request.id
    with installation.database.begin() as tx:
        one = decisions.get(tx, identifier)
    found = connected(installation.database, lambda connection: reading.fetch_all(connection, {identifier}))
    return one, found[identifier]


@pytest.mark.parametrize("raw", [RAW, json.dumps(payment(3, amount=290.0)).encode()], ids=["odd", "plain"])
def test_it_is_what_was_copied_before_byte_for_byte(installation: Installation, raw: bytes) -> None:
    request = replace(a_request(installation, payment(1)), raw=raw)
    [decision] = asyncio.run(decide_all(installation, [request]))
    assert decision is not None
    said = as_it_was_said(decision)
    person = {**said, "outcome": "release", "decided_by": "review"}
    answer = {**said, "status": "decided", "label": decision.prediction and decision.prediction.label}
    answer["certain"] = decision.judgement.risk.certain
    for record in read(installation, decision):
        assert json.dumps(decisions.content_of(record)) == json.dumps(said)
        assert json.dumps(decisions.content_of(record, "release")) == json.dumps(person)
        assert json.dumps(answer_content_of(record)) == json.dumps(answer)


def test_without_a_prediction_there_is_no_score(installation: Installation) -> None:
    line = a_line(installation, traffic(arm(1, Here(broken)), fallbacks=[("rules", None)]))
    [decision] = deciding(installation, [line], lambda decider: all_of(decider, [request_of(line, payment(1))]))
    assert decision is not None
    for record in read(installation, decision):
        assert decisions.content_of(record) == as_it_was_said(decision)
        assert (answer_content_of(record)["score"], answer_content_of(record)["label"]) == (None, None)


def test_what_the_outbox_holds_of_a_decision_is_nobodys_data(installation: Installation) -> None:
    rows = [payment(1, amount=20.0), payment(2, country="KP"), payment(3, amount=290.0)]
    requests = [replace(a_request(installation, row), notify="bank") for row in rows]
    asyncio.run(decide_all(installation, requests))
    with installation.database.begin() as tx:
        messages = [message for request in requests for message in outbox.about(tx, request.id)]
    assert len(messages) == 6
    for message in messages:
        written = json.dumps(message.payload)
        assert not any(word in written for word in ("input", "payment_id", "p1", "p2", "p3", "a1"))


def test_decisions_are_looked_for_only_in_their_days(installation: Installation) -> None:
    now = installation.clock.now()
    with installation.database.begin() as tx:
        decisions.plan_days(tx, now)
    ids: list[UUID] = [uuid7(now) for _ in range(300)]

    async def explain(connection: asyncpg.Connection) -> str:
        await connection.execute("SET enable_seqscan = off")  # tables this small are read whole
        rows = await connection.fetch(f"EXPLAIN {reading._FETCH}", ids, min(ids), max(ids))
        return "\n".join(row[0] for row in rows)

    plan = connected(installation.database, explain)
    assert plan.count("Scan") == plan.count("decisions_") - plan.count("_pkey") == 1
    assert f"decisions_{now:%Y_%m_%d}_pkey" in plan

"""Decisions in a real ledger: what is answered is there, once, with what follows it."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from time import perf_counter_ns
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic_core import to_json
from sqlalchemy import text

from andon import audit, decisions
from andon.decisions import AutomationNotFound, Decision, DecisionRequest, Idempotency, LedgerEvidence, Subjects
from andon.kernel import outbox
from andon.kernel.ids import uuid7
from automations import payment
from lines import PEPPER, Installation

INSERTED = """
INSERT INTO decisions SELECT gen_random_uuid(), automation, automation_version, decided_at, outcome, rule, score,
confidence, certain, model, model_version, policy_version, caller, correlation_id, latency_us, writer, seq, salt, record
FROM decisions WHERE rule = 'sanctioned'
"""


def a_request(installation: Installation, row: Mapping[str, Any], *, key: str | None = None) -> DecisionRequest:
    raw, now = to_json(row), installation.clock.now()
    identifier = uuid7(now)
    return DecisionRequest(
        id=identifier,
        automation="payments",
        raw=raw,
        input=installation.deployment.lines["payments"].contract.read(raw),
        caller="bank",
        correlation_id=str(identifier),
        asked_at=now,
        began_ns=perf_counter_ns(),
        idempotency=None if key is None else Idempotency.of("payments", "bank", key, raw),
    )


async def decide_all(installation: Installation, requests: list[DecisionRequest]) -> list[Decision | None]:
    decider = installation.decider()
    try:
        return list(await asyncio.gather(*(decider.decide(request) for request in requests)))
    finally:
        await decider.close()


def test_an_answered_decision_is_in_the_ledger_with_everything_that_made_it(installation: Installation) -> None:
    request = a_request(installation, payment(amount=20.0))
    (decision,) = asyncio.run(decide_all(installation, [request]))
    assert decision is not None
    with installation.database.begin() as tx:
        record = decisions.get(tx, request.id)
    assert record.row.outcome == decision.outcome == "release"
    assert record.record["input"] == payment(amount=20.0)
    assert record.record["features"] == {"round_amount": False, "amount_count_1h": 1, "amount_sum_1h": 20.0}
    assert record.record["prediction"]["score"] == record.row.score
    assert record.record["line"]["model"]["digest"] == decision.line.model.digest


@pytest.mark.parametrize("many", [1, 3])
def test_each_column_says_what_was_decided_be_it_alone_or_with_others(installation: Installation, many: int) -> None:
    given = [payment(1, amount=20.0), payment(2, country="KP"), payment(3, amount=290.0)][:many]
    decided = asyncio.run(decide_all(installation, [a_request(installation, row) for row in given]))
    with installation.database.begin() as tx:
        for decision, row in zip(decided, given, strict=True):
            assert decision is not None
            written = decisions.get(tx, decision.request.id)
            assert asdict(written.row) | {"latency_us": 0} == _columns(decision)
            assert written.record["input"] == row
        assert tx.execute(text("SELECT DISTINCT writer, seq FROM decisions")).one()
        assert audit.verify(tx, evidence={decisions.RECORDED: LedgerEvidence()}).ok


def _columns(decision: Decision) -> dict[str, Any]:
    line, ruling, prediction = decision.line, decision.judgement.ruling, decision.judgement.prediction
    assert prediction is not None
    return {
        "id": decision.request.id,
        "automation": line.automation,
        "automation_version": line.automation_version,
        "decided_at": decision.decided_at,
        "outcome": ruling.outcome,
        "rule": ruling.rule,
        "score": prediction.score,
        "label": prediction.label,
        "confidence": prediction.confidence,
        "certain": decision.judgement.risk.certain,
        "gate_revision": 1,
        "line_state": "automatic",
        "model": line.model.name,
        "model_version": line.model.version,
        "policy_version": line.policy_version,
        "arm": f"fraud-risk@1+{line.policy_version}",
        "audit_probability": 0.0,
        "audit_drawn": False,
        "subject_hash": Subjects(PEPPER).hash_of("a1"),
        "caller": "bank",
        "correlation_id": decision.request.correlation_id,
        "latency_us": 0,
    }


def test_many_requests_share_a_few_commits_and_each_sees_the_windows_of_those_before_it(
    installation: Installation,
) -> None:
    requests = [a_request(installation, payment(i, amount=10.0)) for i in range(200)]
    decided = asyncio.run(decide_all(installation, requests))
    counts = [d.features["amount_count_1h"] for d in decided if d is not None]
    assert counts == list(range(1, 201))
    with installation.database.begin() as tx:
        commits = tx.execute(text("SELECT count(DISTINCT (writer, seq)) FROM decisions")).scalar_one()
    assert commits < 20


def test_what_follows_a_decision_is_written_with_it(installation: Installation) -> None:
    rows = [payment(1, amount=20.0), payment(2, country="KP"), payment(3, amount=290.0)]
    requests = [a_request(installation, row) for row in rows]
    outcomes = [d.outcome for d in asyncio.run(decide_all(installation, requests)) if d is not None]
    assert outcomes == ["release", "pause", "review"]
    with installation.database.begin() as tx:
        messages = [outbox.about(tx, request.id) for request in requests]
    assert [[m.topic for m in found] for found in messages] == [["action.deliver"], ["action.deliver"], ["review.open"]]
    assert messages[1][0].payload == {
        "action": "pause",
        "connector": "webhook",
        "destination": "bank",
        "options": {},
        "outcome": "pause",
    }
    assert set(messages[2][0].payload["actions"]) == {"pause", "release"}


def test_a_key_is_decided_once_however_many_processes_are_asked_at_the_same_time(installation: Installation) -> None:
    async def race() -> list[Decision | None]:
        requests = [a_request(installation, payment(amount=20.0), key="k1") for _ in range(8)]
        deciders = [installation.decider() for _ in requests]
        answers = await asyncio.gather(*(d.decide(r) for d, r in zip(deciders, requests, strict=True)))
        for decider in deciders:
            await decider.close()
        return list(answers)

    answers = asyncio.run(race())
    assert sum(answer is not None for answer in answers) == 1
    with installation.database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM decisions")).scalar_one() == 1


def test_of_those_that_come_together_under_one_key_the_first_is_decided(installation: Installation) -> None:
    requests = [a_request(installation, payment(n), key=f"k{n % 4}") for n in range(16)]

    decided = asyncio.run(decide_all(installation, requests))

    assert [decision is not None for decision in decided] == [True] * 4 + [False] * 12


def test_whether_a_key_was_used_is_told_while_a_commit_waits(installation: Installation) -> None:
    key = Idempotency.of("payments", "bank", "used", b"{}")

    async def run() -> tuple[set[tuple[str, str]], bool]:
        decider, holder = installation.decider(), await installation.database.connect()
        locked = holder.transaction()
        await locked.start()
        await holder.execute("LOCK TABLE decisions IN EXCLUSIVE MODE")
        deciding = asyncio.ensure_future(decider.decide(a_request(installation, payment(2))))
        while not await holder.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'decisions'::regclass"
        ):
            await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            told = await decider.used([key])
        waits = not deciding.done()
        await locked.rollback()
        await deciding
        await holder.close()
        await decider.close()
        return told, waits

    asyncio.run(decide_all(installation, [a_request(installation, payment(1), key="used")]))
    assert asyncio.run(run()) == ({(key.scope, key.key)}, True)


def test_an_answer_can_be_made_ready_while_the_commit_waits_and_is_told_only_afterwards(
    installation: Installation,
) -> None:
    told: list[tuple[str, Decision | None]] = []

    async def run() -> list[str]:
        decider, holder = installation.decider(), await installation.database.connect()
        locked = holder.transaction()
        await locked.start()
        await holder.execute("LOCK TABLE decisions IN EXCLUSIVE MODE")
        decided = asyncio.Event()

        def done(decision: Decision | None, error: BaseException | None) -> None:
            assert error is None
            told.append(("done", decision))
            decided.set()

        decider.submit(a_request(installation, payment(1)), done, lambda decision: told.append(("foretold", decision)))
        while not await holder.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'decisions'::regclass"
        ):
            await asyncio.sleep(0.01)
        meanwhile = [what for what, _ in told]
        await locked.rollback()
        await decided.wait()
        await holder.close()
        await decider.close()
        return meanwhile

    assert asyncio.run(run()) == ["foretold"]
    assert [what for what, _ in told] == ["foretold", "done"]
    assert told[0][1] is told[1][1]


def test_an_unknown_automation_is_refused_and_nothing_is_recorded(installation: Installation) -> None:
    request = replace(a_request(installation, payment()), automation="other")
    with pytest.raises(AutomationNotFound, match="No automation 'other'"):
        asyncio.run(decide_all(installation, [request]))
    with installation.database.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM decisions")).scalar_one() == 0


def test_decisions_survive_the_loss_of_every_connection(installation: Installation) -> None:
    async def cut_and_decide() -> list[Decision | None]:
        decider = installation.decider()
        first = await decider.decide(a_request(installation, payment(1, amount=20.0)))
        with installation.database.begin() as tx:
            tx.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        second = await decider.decide(a_request(installation, payment(2, amount=20.0)))
        await decider.close()
        return [first, second]

    assert all(asyncio.run(cut_and_decide()))
    with installation.database.begin() as tx:
        report = audit.verify(tx, evidence={decisions.RECORDED: LedgerEvidence()})
    assert report.ok, report.findings


NOT_COUNTED = [("deliveries", "evidence unclaimed")]
"""A record that does not match its entry vouches for none of its deliveries, so there is one too many."""

NOT_NAMED = [("action", "evidence unclaimed")]
"""Without its record, nothing names the delivery."""


@pytest.mark.parametrize(
    ("tampering", "harm", "others"),
    [
        ("UPDATE decisions SET outcome = 'release' WHERE rule = 'sanctioned'", "evidence edited", []),
        (
            "UPDATE decisions SET record = record || ' '::bytea WHERE rule = 'sanctioned'",
            "evidence edited",
            NOT_COUNTED,
        ),
        ("DELETE FROM decisions WHERE rule = 'sanctioned'", "evidence missing", NOT_NAMED),
        (INSERTED, "evidence unclaimed", []),
    ],
)
def test_verification_finds_what_was_done_to_a_decision(
    installation: Installation, tampering: str, harm: str, others: list[tuple[str, str]]
) -> None:
    """`others` are what is found about its delivery, which only its record names."""
    requests = [a_request(installation, payment(1, amount=20.0)), a_request(installation, payment(2, country="KP"))]
    asyncio.run(decide_all(installation, requests))
    with installation.database.begin() as tx:
        tx.execute(text("ALTER TABLE decisions DISABLE TRIGGER USER"))
        tx.execute(text(tampering))
        tx.execute(text("ALTER TABLE decisions ENABLE TRIGGER USER"))
    with installation.database.begin() as tx:
        report = audit.verify(tx, evidence={decisions.RECORDED: LedgerEvidence()})
    found = [(str(finding.subject).partition(":")[0], finding.harm) for finding in report.findings]
    assert found == [("decision", harm), *others]


CHANGED = {
    **dict.fromkeys(
        ("automation", "outcome", "rule", "model", "policy_version", "caller", "correlation_id"), "{} || '!'"
    ),
    **dict.fromkeys(("automation_version", "model_version", "seq", "latency_us", "score", "confidence"), "{} + 1"),
    "decided_at": "{} + interval '1 second'",
    "certain": "NOT {}",
    "writer": "gen_random_uuid()",
    "label": "{} || 'x'",
    "arm": "{} || 'x'",
    "gate_revision": "{} + 1",
    "line_state": "'stopped'",
    "audit_probability": "{} + 0.5",
    "audit_drawn": "NOT {}",
    "subject_hash": "{} || 'x'::bytea",
}


def test_verification_compares_every_column_but_the_latency_which_is_measured_beside_the_record(
    installation: Installation,
) -> None:
    asyncio.run(decide_all(installation, [a_request(installation, payment())]))
    with installation.database.begin() as tx:
        names = set(tx.execute(text("SELECT * FROM decisions")).keys())
        assert names - {"id", "salt", "record"} == CHANGED.keys()
        changes = ", ".join(f"{name} = {value.format(name)}" for name, value in CHANGED.items())
        tx.execute(text("ALTER TABLE decisions DISABLE TRIGGER USER"))
        tx.execute(text(f"UPDATE decisions SET {changes}"))
        tx.execute(text("ALTER TABLE decisions ENABLE TRIGGER USER"))
    with installation.database.begin() as tx:
        report = audit.verify(tx, evidence={decisions.RECORDED: LedgerEvidence()})
    found = {finding.message for finding in report.findings if finding.harm == "evidence edited"}
    assert found == {f"column {name} was changed" for name in CHANGED.keys() - {"latency_us"}}


def test_the_database_itself_refuses_to_change_a_decision(installation: Installation) -> None:
    asyncio.run(decide_all(installation, [a_request(installation, payment())]))
    with (
        pytest.raises(Exception, match="decisions are never changed or deleted"),
        installation.database.begin() as tx,
    ):
        tx.execute(text("UPDATE decisions SET outcome = 'release'"))


def test_replay_of_recorded_decisions_is_identical(installation: Installation) -> None:
    rows = [payment(i, amount=float(5 + 3 * i), country="FR" if i % 3 else "XX") for i in range(120)]
    asyncio.run(decide_all(installation, [a_request(installation, row) for row in rows]))
    line = installation.deployment.lines["payments"]
    with installation.database.begin() as tx:
        records = decisions.newest(tx, "payments", 1000)
    replayed = decisions.replay(records, lambda _: line, lambda _: None)
    assert (replayed.compared, replayed.identical) == (120, 120)

"""Each change that a superuser of the database makes to what is in force is named by `andon audit verify`."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from tests.auditing import audited, opened, review_of

from andon import access, actions, audit, cord, decisions, gates, labels, reviews, serving, spending
from andon.actions import AnswerKind, Attempt, store
from andon.actions.store import PostboxEntry
from andon.audit import Harm, Report
from andon.authoring import Budget
from andon.bootstrap.vouched import ROWS, all_evidence
from andon.cord import LineState
from andon.kernel import outbox
from andon.kernel.claims import Conclusion
from andon.kernel.db import Database, Tx
from andon.kernel.events import Events
from andon.kernel.ids import uuid7
from andon.kernel.outbox import MessageState
from andon.labels import LabelSource, TruthReport
from automations import payment
from calls import DECIDE, call
from lines import ADMIN, CALLER, OWNER, Installation, install

EDITED, MISSING, UNCLAIMED = Harm.EVIDENCE_EDITED, Harm.EVIDENCE_MISSING, Harm.EVIDENCE_UNCLAIMED
COPY = (
    "INSERT INTO {0} SELECT r.* FROM (SELECT t FROM {0} AS t LIMIT 1) AS one, jsonb_populate_record(one.t, '{1}') AS r"
)
OTHER = "0190aaaa-0000-7000-8000-000000000000"

TAKEN, DEAD, RESENT, CONFIRMED = (f"0190bbbb-0000-7000-8000-00000000000{number}" for number in range(4))
"""Deliveries: taken by the receiver, dead, sent again by a person, confirmed by a person."""

FORGED = (
    "INSERT INTO decisions SELECT r.* FROM (SELECT d AS row, d.writer, d.seq FROM decisions AS d LIMIT 1) AS d, "
    "LATERAL (SELECT * FROM audit_entries AS e WHERE {1} LIMIT 1) AS e, "
    "jsonb_populate_record(d.row, jsonb_build_object("
    "'id', encode({0}, 'hex')::uuid, 'writer', e.writer, 'seq', e.seq)) AS r"
)
"""A decision that names an entry in which its id stands, but not as the id of a decision."""

ANSWERS = (
    "UPDATE delivery_answers AS r {0} FROM delivery_attempts AS a WHERE a.id = r.attempt_id AND a.message_id = '{1}'"
)

SET_OFF = "(SELECT min(m.id::text)::uuid FROM outbox AS m JOIN decisions AS d ON d.id = m.subject WHERE lane <> '')"
"""A delivery that a decision set off."""

PUT_DELIVERY = (
    "INSERT INTO outbox (id, topic, scope, subject, payload, correlation_id, created_at, due_at, state, attempts) "
    f"SELECT '{OTHER}', topic, scope, subject, {{}}, correlation_id, created_at, due_at, 'pending', 0 "
    f"FROM outbox WHERE id = {SET_OFF}"
)

PUT_IN = """
WITH one AS (
    SELECT gen_random_uuid() AS new, r.ended_at, m.* FROM delivery_answers AS r,
        LATERAL (SELECT {0}) AS m(message, kind, writer, seq) LIMIT 1
), made AS (
    INSERT INTO delivery_attempts (id, message_id, number, began_at)
    SELECT new, message::uuid, 2, ended_at FROM one
)
INSERT INTO delivery_answers (attempt_id, ended_at, kind, detail, writer, seq)
SELECT new, ended_at, kind, '', writer::uuid, seq::bigint FROM one
"""

UNGUARDED = """
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT DISTINCT tgrelid::regclass AS name FROM pg_trigger WHERE NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', one.name);
    END LOOP;
    FOR one IN SELECT conrelid::regclass AS name, conname FROM pg_constraint
            WHERE contype IN ('f', 'c') AND conrelid <> 0
            AND conislocal AND connamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.name, one.conname);
    END LOOP;
END $$"""
"""Lets a test change rows as a superuser could, without triggers and constraints; it is rolled back with the change."""

CHANGES = (
    ("UPDATE access_grants SET role = 'admin' WHERE role = 'caller'", "key:", EDITED),
    ("INSERT INTO access_grants SELECT id, 'admin', 'other' FROM access_keys WHERE name = 'bank'", "key:", EDITED),
    ("UPDATE access_grants SET automation = NULL WHERE role = 'caller'", "key:", EDITED),
    ("UPDATE access_keys SET revoked_at = NULL, revoked_by = NULL WHERE name = 'gone'", "key:", EDITED),
    ("UPDATE access_keys SET digest = decode(repeat('ab', 32), 'hex') WHERE name = 'bank'", "key:", EDITED),
    ("UPDATE access_keys SET expires_at = now() + interval '9 years' WHERE name = 'bank'", "key:", EDITED),
    (COPY.format("access_keys", f'{{"id": "{OTHER}", "name": "eve"}}'), f"key:{OTHER}", UNCLAIMED),
    ("DELETE FROM access_keys WHERE name = 'gone'", "key:", MISSING),
    ("UPDATE model_versions SET trusted = true", "model_version:", EDITED),
    ("UPDATE model_versions SET manifest = replace(manifest, '\"description\"', ' \"description\"')", "model_", EDITED),
    (COPY.format("model_versions", '{"name": "other"}'), "model_version:", UNCLAIMED),
    ("UPDATE model_files SET bytes = set_byte(bytes, 40, 7)", "model_version:", EDITED),
    ("DELETE FROM model_files", "model_version:", EDITED),
    ("UPDATE model_aliases SET number = 2 WHERE revision = 1", "model_alias:", EDITED),
    (COPY.format("model_aliases", '{"revision": 9}'), "model_alias:", UNCLAIMED),
    ("DELETE FROM model_aliases", "model_alias:", MISSING),
    ("UPDATE traffic_splits SET shares = '{}'", "split:payments/1", EDITED),
    ("UPDATE traffic_splits SET places = '{}'", "split:payments/1", EDITED),
    (COPY.format("traffic_splits", '{"number": 9}'), "split:payments/9", UNCLAIMED),
    ("DELETE FROM traffic_splits", "split:payments/1", MISSING),
    ("UPDATE automation_versions SET description = '{}'", "automation_version:payments/1", EDITED),
    (COPY.format("automation_versions", '{"number": 9, "digest": "x"}'), "automation_version:", UNCLAIMED),
    ("UPDATE releases SET version = 2", "release:payments/1", EDITED),
    (COPY.format("releases", '{"number": 9}'), "release:payments/9", UNCLAIMED),
    ("DELETE FROM releases", "release:payments/1", MISSING),
    ("UPDATE policy_versions SET text = text || ' '", "policy:payments/", EDITED),
    ("UPDATE policy_settings SET version = 'abcdefabcdef'", "policy_setting:payments/1", EDITED),
    (COPY.format("policy_settings", '{"number": 9}'), "policy_setting:payments/9", UNCLAIMED),
    ("UPDATE gate_revisions SET threshold = 0", "gate:payments/", EDITED),
    ("UPDATE gate_revisions SET expires_at = NULL, evidence = '{}'", "gate:payments/", EDITED),
    (COPY.format("gate_revisions", '{"revision": 99}'), "gate:payments/99", UNCLAIMED),
    ("UPDATE gate_pointers SET revision = 99", "gate_pointer:payments/", EDITED),
    ("DELETE FROM gate_pointers", "gate_pointer:payments/", MISSING),
    ("UPDATE audit_shares SET share = 0.01", "audit_share:payments/1", EDITED),
    ("UPDATE line_states SET after = 'automatic'", "line_state:payments/1", EDITED),
    ("DELETE FROM line_states", "line_state:payments/1", MISSING),
    ("UPDATE budget_settings SET amount = amount * 10", "budget_setting:payments/1", EDITED),
    ("UPDATE labels SET value = 'ok' WHERE source = 'event'", "label:", EDITED),
    ("UPDATE labels SET probability = 0.5", "label:", EDITED),
    (COPY.format("labels", f'{{"id": "{OTHER}"}}'), f"label:{OTHER}", UNCLAIMED),
    ("DELETE FROM labels", "label:", MISSING),
    ("DELETE FROM labels WHERE source = 'blind_audit'", "automation:payments", EDITED),
    ("UPDATE reviews SET outcome = 'ok'", "verdict:", EDITED),
    ("UPDATE reviews SET decided_by = 'eve'", "verdict:", EDITED),
    ("UPDATE reviews SET state = 'open', outcome = NULL, reason = NULL, decided_by = NULL", "verdict:", MISSING),
    ("UPDATE reviews SET reason = 'x' WHERE state = 'withdrawn'", "withdrawal:", EDITED),
    ("UPDATE reviews SET state = 'open' WHERE state = 'withdrawn'", "withdrawal:", MISSING),
    (FORGED.format("substring(e.body FROM 2 FOR 16)", "e.writer = d.writer AND e.seq = d.seq"), "decision:", UNCLAIMED),
    (FORGED.format("substring(e.body FROM 3 FOR 16)", "e.action = 'key.create'"), "decision:", UNCLAIMED),
    (FORGED.format("uuid_send('0190aaaa-0000-7000-8000-000000000000')", "e.seq = 1"), f"decision:{OTHER}", UNCLAIMED),
    ("UPDATE idempotency_keys SET decision_id = (SELECT id FROM decisions LIMIT 1)", "idempotency_key:", EDITED),
    ("UPDATE idempotency_keys SET digest = sha256('x')", "idempotency_key:payments/bank/first", EDITED),
    (COPY.format("idempotency_keys", '{"scope": "payments/eve"}'), "idempotency_key:payments/eve/first", EDITED),
    (f"UPDATE idempotency_keys SET decision_id = '{OTHER}'", "idempotency_key:", UNCLAIMED),
    ("DELETE FROM idempotency_keys", "idempotency_key:payments/bank/first", MISSING),
    (f"UPDATE outbox SET state = 'pending' WHERE id = '{TAKEN}'", f"action:{TAKEN}", EDITED),
    (f"UPDATE outbox SET state = 'done' WHERE id = '{RESENT}'", f"action:{RESENT}", EDITED),
    (f"UPDATE outbox SET state = 'done' WHERE id = '{DEAD}'", f"action:{DEAD}", EDITED),
    (f"UPDATE outbox SET state = 'pending', revived_at = now() WHERE id = '{DEAD}'", f"action:{DEAD}", EDITED),
    (f"UPDATE outbox SET state = 'pending' WHERE id = '{CONFIRMED}'", f"action:{CONFIRMED}", EDITED),
    (f"DELETE FROM outbox WHERE id = '{CONFIRMED}'", f"action:{CONFIRMED}", MISSING),
    (f"DELETE FROM outbox WHERE id = '{TAKEN}'", f"action:{TAKEN}", MISSING),
    (f"UPDATE outbox SET state = 'dead', settled_at = now() WHERE id = '{TAKEN}'", f"action:{TAKEN}", EDITED),
    (f"UPDATE outbox SET state = 'dead', settled_at = now() WHERE id = '{RESENT}'", f"action:{RESENT}", EDITED),
    (f"UPDATE outbox SET last_error = 'other' WHERE id = '{DEAD}'", f"action:{DEAD}", EDITED),
    (f"UPDATE outbox SET state = 'pending' WHERE id = '{DEAD}'", f"action:{DEAD}", EDITED),
    (ANSWERS.format("SET kind = 'delivered'", DEAD), f"action:{DEAD}", EDITED),
    (ANSWERS.format("SET status = 500", TAKEN), f"action:{TAKEN}", EDITED),
    (ANSWERS.format("SET detail = 'x'", TAKEN), f"action:{TAKEN}", EDITED),
    (ANSWERS.format("SET result = NULL", TAKEN), f"action:{TAKEN}", EDITED),
    (ANSWERS.format("SET ended_at = 'infinity'", TAKEN), f"action:{TAKEN}", EDITED),
    (ANSWERS.format("SET seq = 7", TAKEN), f"action:{TAKEN}", UNCLAIMED),
    (ANSWERS.format("SET writer = NULL", TAKEN), f"action:{TAKEN}", UNCLAIMED),
    (f"UPDATE delivery_attempts SET number = 9 WHERE message_id = '{TAKEN}'", f"action:{TAKEN}", EDITED),
    (f"DELETE FROM delivery_attempts WHERE message_id = '{TAKEN}'", f"action:{TAKEN}", MISSING),
    ("DELETE FROM delivery_answers", f"action:{DEAD}", MISSING),
    (PUT_IN.format(f"'{DEAD}', 'delivered', NULL, NULL"), f"action:{DEAD}", UNCLAIMED),
    (PUT_IN.format(f"'{DEAD}', 'delivered', writer, seq"), f"action:{DEAD}", UNCLAIMED),
    (f"DELETE FROM outbox WHERE id = {SET_OFF}", "action:", MISSING),
    (
        f"UPDATE outbox SET payload = replace(payload::text, 'bank', 'mine')::json WHERE id = {SET_OFF}",
        "action:",
        EDITED,
    ),
    (f"UPDATE outbox SET scope = 'other' WHERE id = {SET_OFF}", "action:", EDITED),
    (PUT_DELIVERY.format("payload"), f"action:{OTHER}", UNCLAIMED),
    (PUT_DELIVERY.format("""'{"decision": {}}'"""), f"delivery:{OTHER}", UNCLAIMED),
    ("INSERT INTO disabled_destinations VALUES ('bank', now(), 'x')", "disabled_destination:bank", UNCLAIMED),
)


@pytest.fixture
def line(database: Database, tmp_path: Path) -> Installation:
    """Make an installation in which everything that can be in force is."""
    made = install(database, tmp_path, audited())
    bank, events, now = made.key("bank", CALLER), Events(), made.clock.now()
    made.key("admin", ADMIN)
    made.key("gone", CALLER)
    by: dict[str, Any] = {"actor": OWNER, "reason": "test", "events": events, "now": now}
    answers = [call(made, "POST", DECIDE, bank, json=payment(number)).json() for number in range(3)]
    calling_with = {"Idempotency-Key": "first"}
    assert call(made, "POST", DECIDE, bank, json=payment(9), headers=calling_with).status_code == 200
    opened(made)
    review = review_of(database, UUID(answers[0]["id"]))
    with database.begin() as tx:
        (gone,) = [key for key in access.list_keys(tx) if key.principal.name == "gone"]
        access.revoke_key(tx, gone.principal.id, **by)
        serving.set_split(tx, "payments", "fraud-risk", shares={serving.Candidate(1): 100}, shadows=(), **by)
        cord.pull(tx, "payments", state=LineState.SUPERVISED, segment={}, **by)
        gates.set_audit_share(tx, "payments", 0.5, **by)
        spending.set_budget(tx, "payments", Budget(5, per="day"), actor=OWNER, reason="test", now=now)
        reviews.claim(tx, review.id, actor=OWNER, now=now)
        reviews.give_verdict(tx, review.id, outcome="fraud", **by)
        _withdraw_question(tx, review.decision_id, now)
        said = {"actor": OWNER, "events": events, "now": now}
        row = decisions.get(tx, UUID(answers[1]["id"])).row
        labels.record(tx, decision_id=row.id, value="fraud", source=LabelSource.EVENT, **said)
        reported = TruthReport(decision_id=UUID(answers[2]["id"]), value="fraud", source=LabelSource.BLIND_AUDIT)
        labels.record_all(tx, [reported], **said)
        deliver(tx, now)
    return made


def _withdraw_question(tx: Tx, decision_id: UUID, now: datetime) -> None:
    reviews.ask(
        tx,
        key=decision_id,
        procedure_id=None,
        decision_id=decision_id,
        automation="payments",
        queue="payments",
        question="Did it happen?",
        choices=("happened", "give up"),
        due=timedelta(hours=1),
        correlation_id="c",
        traceparent=None,
        now=now,
    )
    reviews.withdraw(tx, [decision_id], actor=OWNER, reason="settled elsewhere", now=now)


def deliver(tx: Tx, now: datetime) -> None:
    """Make deliveries as workers and people leave them."""
    chain = audit.Chain(uuid4())
    for one in (TAKEN, DEAD, RESENT, CONFIRMED):
        message = _delivery(UUID(one), now)
        outbox.add(tx, [replace(message, attempts=1)])
        kind, state = (AnswerKind.REFUSED, MessageState.DEAD)
        if one == TAKEN:
            kind, state = (AnswerKind.DELIVERED, MessageState.DONE)
        begun = Attempt(uuid7(now), 1, now)
        ended = dataclasses.replace(begun, ended_at=now, kind=kind, status=200, result={"n": 1e22, "a": [0.5, -0.0]})
        error = None if one == TAKEN else "refused"
        entry = PostboxEntry((message.id, begun), ended, Conclusion(message, state, error))
        store.bury(tx, [entry], now=now)
        chain.advance(store.vouch(tx, [entry], chain=chain, now=now))
    by: dict[str, Any] = {"actor": OWNER, "reason": "test", "events": Events(), "now": now}
    actions.resend(tx, UUID(RESENT), **by)
    actions.confirm(tx, UUID(CONFIRMED), **by)


def _delivery(identifier: UUID, now: datetime) -> outbox.Message:
    payload = {"action": "pause", "connector": "webhook", "destination": "bank", "options": {}, "outcome": "pause"}
    return outbox.Message(identifier, decisions.DELIVER_ACTION, "payments", identifier, payload, "c", now, now)


@contextmanager
def unguarded(database: Database) -> Iterator[Tx]:
    """Open a transaction without triggers and constraints that is rolled back at its end."""
    with database.engine.connect() as tx:
        tx.execute(text(UNGUARDED))
        yield tx
        tx.rollback()


@contextmanager
def undone(tx: Tx, statement: str) -> Iterator[int]:
    """One change within it, taken back at the end; gives how many rows it changed."""
    made = tx.begin_nested()
    yield tx.execute(text(statement)).rowcount
    made.rollback()


def verified(tx: Tx) -> Report:
    return audit.verify(tx, evidence=all_evidence(), rows=ROWS)


def test_each_change_to_what_is_in_force_is_named(line: Installation) -> None:
    with line.database.snapshot() as tx:
        before = verified(tx)
    assert before.ok, before.findings
    unnoticed = []
    with unguarded(line.database) as tx:
        for statement, subject, harm in CHANGES:
            with undone(tx, statement) as changed:
                found = verified(tx).findings
            named = [one for one in found if (one.subject or "").startswith(subject) and one.harm is harm]
            if not (changed and named):
                unnoticed.append((statement, changed, [(one.harm, one.subject) for one in found]))
    assert unnoticed == []

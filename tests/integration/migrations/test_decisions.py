"""Decisions made before arms, label columns, gate revisions or line states stay, proven and readable."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from andon import audit, decisions, migrations
from andon.cord import LineState
from andon.decisions import DecisionFilter, DecisionRecord, LedgerEvidence, Subjects
from andon.gateway.answers import answer_of_record
from andon.gateway.decision_views import listed, whole
from andon.kernel.db import Database
from arms import Here, arm, line_of, request_of, traffic
from automations import an_automation, payment
from lines import PEPPER, install
from migrated import bring_to

BEFORE = Path(__file__).parent / "decisions_of_0005.sql"
ARM = "fraud-risk@8+policy-1"


@pytest.fixture
def upgraded(database: Database) -> Database:
    """Return a database of revision 0005 with decisions in it, upgraded to the present schema."""
    bring_to(database, "0005")
    with database.begin() as tx:
        tx.connection.cursor().execute(BEFORE.read_bytes())
    migrations.ensure(database)
    return database


def records_of(database: Database) -> Sequence[DecisionRecord]:
    with database.begin() as tx:
        return decisions.newest(tx, "payments", 100)


def findings(database: Database) -> list[str]:
    with database.begin() as tx:
        report = audit.verify(tx, evidence={decisions.RECORDED: LedgerEvidence()})
        return [finding.message for finding in report.findings]


def test_verification_passes_and_still_finds_a_column_that_was_changed(upgraded: Database) -> None:
    assert findings(upgraded) == []
    changes = {"label": "'ok'", "arm": "'x@1+y'", "gate_revision": "1", "line_state": "'stopped'"}
    changes |= {"audit_probability": "0.5", "audit_drawn": "true", "subject_hash": "'\\x00'", "outcome": "'release'"}
    for column, value in changes.items():
        with upgraded.begin() as tx:
            tx.execute(text("ALTER TABLE decisions DISABLE TRIGGER ALL"))
            before = tx.execute(text(f"SELECT id, {column} FROM decisions WHERE rule = 'risky'")).one()
            tx.execute(text(f"UPDATE decisions SET {column} = {value} WHERE id = :id"), {"id": before.id})
        assert findings(upgraded) == [f"column {column} was changed"]
        with upgraded.begin() as tx:
            change = text(f"UPDATE decisions SET {column} = :before WHERE id = :id")
            tx.execute(change, {"before": before[1], "id": before.id})
    assert findings(upgraded) == []


def test_records_and_views_say_what_held_then(upgraded: Database) -> None:
    found = records_of(upgraded)
    assert len(found) == 7
    with upgraded.begin() as tx:
        views = [whole(tx, one, one.row.decided_at) for one in found]
    for one, seen in zip(found, views, strict=True):
        row, prediction = one.row, one.record["prediction"]
        label = None if prediction is None else prediction["label"]
        assert (row.label, row.arm, row.gate_revision, row.line_state) == (label, ARM, 0, LineState.AUTOMATIC)
        assert (row.audit_probability, row.audit_drawn, row.subject_hash) == (0.0, False, None)
        assert (seen.label, seen.arm, seen.risk.revision, seen.line_state) == (label, ARM, 0, "automatic")
        assert f'"arm":"{ARM}"'.encode() in answer_of_record(one)
    assert {one.row.label for one in found} == {"ok", "fraud", None}


def test_a_list_shows_them_like_any_other_and_finds_them_by_arm_and_label(upgraded: Database) -> None:
    def found(**wanted: Any) -> Sequence[Mapping[str, Any]]:
        with upgraded.begin() as tx:
            return [listed(row).model_dump() for row in decisions.page(tx, DecisionFilter(**wanted), limit=100)]

    by_id = {one.row.id: one.row for one in records_of(upgraded)}
    assert {row["id"]: row["label"] for row in found()} == {number: row.label for number, row in by_id.items()}
    assert len(found(arm=ARM)) == 7
    assert found(arm="fraud-risk@7+policy-1") == []
    assert [row["rule"] for row in found(label="fraud")] == ["risky"]
    assert len(found(line_state=LineState.AUTOMATIC, gate_revision=0, audit_drawn=False)) == 7
    assert found(line_state=LineState.STOPPED) == []


def test_replay_decides_them_the_same_again(upgraded: Database) -> None:
    def score(row: Mapping[str, Any]) -> float:
        return float(row["amount"]) / 400

    line = line_of(an_automation(windows=False), traffic(arm(8, Here(score), threshold=0.9)))
    replayed = decisions.replay(records_of(upgraded), lambda _: line, lambda _: None)
    assert replayed.differences == ()
    assert replayed.identical == 7


def test_new_decisions_stand_beside_them(upgraded: Database, tmp_path: Path) -> None:
    here = install(upgraded, tmp_path)
    request = request_of(here.deployment.line("payments"), payment(amount=20.0), at=here.clock.now())

    async def decide() -> None:
        decider = here.decider()
        await decider.decide(request)
        await decider.close()

    asyncio.run(decide())
    assert findings(upgraded) == []
    newest, *others = records_of(upgraded)
    assert newest.row.id == request.id
    assert newest.row.subject_hash == Subjects(PEPPER).hash_of("a1")
    assert len(others) == 7

"""Gates and labels of an installation before live proofs: what held still holds, and its labels wait to be proven."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from andon import gates, migrations
from andon.gates import WHOLE
from andon.kernel.db import Database
from migrated import bring_to

NOW = datetime(2026, 12, 1, tzinfo=UTC)
ARM = "fraud-risk@1+abc"

_GATE = text(
    "INSERT INTO gate_revisions VALUES ('gated', :revision, :arm, :threshold, 0.01, 0.95, :origin, '{}', 1, 'x', "
    "'why', :at, NULL)"
)
_LABEL = text(
    "INSERT INTO labels (id, decision_id, automation, said, value, source, probability, known_at, recorded_by, "
    "recorded_at) VALUES (:id, :decision, 'gated', 'ok', 'ok', 'event', 1, :at, 'x', :at)"
)


@pytest.fixture
def migrated(database: Database) -> Database:
    bring_to(database, "0006")
    decision = uuid4()
    with database.begin() as tx:
        for revision, origin, threshold in ((1, "held_out", 0.8), (2, "held_out", 0.9), (3, "person", 0.95)):
            tx.execute(_GATE, {"revision": revision, "arm": ARM, "threshold": threshold, "origin": origin, "at": NOW})
        for _ in range(2):
            tx.execute(_LABEL, {"id": uuid4(), "decision": decision, "at": NOW})
    migrations.ensure(database)
    return database


def test_what_held_still_holds(migrated: Database) -> None:
    with migrated.begin() as tx:
        there = gates.arm_revisions(tx, "gated", ARM, NOW)
        assert there.held_out[""].revision == 2
        held = there.in_force(WHOLE, NOW)
        assert held is not None
        assert (held.revision, held.threshold, held.segment, held.predicted) == (3, 0.95, {}, "")
        assert gates.in_force_by_arm(tx, "gated", NOW) == {ARM: {3}}
        assert [one.revision for one in gates.page(tx, "gated")] == [3, 2, 1]


def test_labels_of_before_wait_to_become_evidence_each_decision_once(migrated: Database) -> None:
    with migrated.begin() as tx:
        assert tx.execute(text("SELECT count(*) FROM evidence_relabelled")).scalar_one() == 1


def test_revisions_stay_immutable_and_of_known_origin(migrated: Database) -> None:
    for statement in (
        "UPDATE gate_revisions SET threshold = 0",
        "DELETE FROM gate_revisions",
        (
            "INSERT INTO gate_revisions (automation, revision, arm, threshold, target, origin, evidence, "
            "automation_version, made_by, reason, made_at) VALUES ('gated', 4, 'a', 0, 0.01, 'guess', '{}', 1, "
            "'x', 'why', now())"
        ),
    ):
        with pytest.raises(DBAPIError), migrated.begin() as tx:
            tx.execute(text(statement))

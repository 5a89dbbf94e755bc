"""Labels of an installation that was made before labels had a class are read with their class."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from andon import Truth, decisions, labels, migrations
from andon.kernel.db import Database, Tx
from andon.kernel.identity import Actor
from andon.kernel.ids import uuid7
from andon.labels import LabelSource
from automations import an_automation
from migrated import bring_to

AT = datetime(2026, 11, 1, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


@pytest.fixture
def old(database: Database) -> Database:
    """Return the database with the earlier schema of labels."""
    bring_to(database, "0005")
    return database


def a_decision(tx: Tx) -> UUID:
    decision_id = uuid7(AT)
    tx.execute(
        text(
            "INSERT INTO decisions SELECT :id, 'payments', 1, :at, 'review', 'otherwise', 0.5, 0.5, false, "
            "'fraud-risk', 1, 'v', 'bank', 'c', 900, :id, 1, '\\x00', '\\x00'"
        ),
        {"id": decision_id, "at": AT},
    )
    return decision_id


def an_old_label(tx: Tx, decision_id: UUID, value: str, source: str, *, weight: float = 1.0, at: datetime = AT) -> None:
    row = {"id": uuid7(AT), "decision": decision_id, "value": value, "source": source, "weight": weight, "at": at}
    tx.execute(
        text("INSERT INTO labels VALUES (:id, :decision, 'payments', :value, :source, :weight, 'olga', :at)"), row
    )


def test_old_labels_keep_their_words_and_get_their_class(old: Database) -> None:
    manifest = {"signature": {"classes": ["ok", "fraud"]}}
    with old.begin() as tx:
        tx.execute(
            text("INSERT INTO model_versions VALUES ('fraud-risk', 1, :digest, :manifest, false, 'olga', 'why', :at)"),
            {"digest": "0" * 64, "manifest": json.dumps(manifest), "at": AT},
        )
        reviewed, reported = a_decision(tx), a_decision(tx)
        an_old_label(tx, reviewed, "pause", "review")
        an_old_label(tx, reviewed, "fraud", "blind_audit", weight=50.0, at=LATER)
        an_old_label(tx, reported, "chargeback", "event")
        an_old_label(tx, reported, "fraud", "event", weight=0.5, at=LATER)
    migrations.ensure(old)
    automation = an_automation()
    automation.truth = Truth({"pause": "fraud", "release": "ok"}, matures=timedelta(days=30))
    with old.begin() as tx:
        review, audit = labels.of_decision(tx, reviewed)
        word, event = labels.of_decision(tx, reported)
        assert labels.valid_label([review], None, outcome="review", decided_at=AT, moment=AT) is None
        decisions.deploy(tx, automation, actor=Actor("olga"), now=AT)
        truth = decisions.truth_of(tx, "payments")
    assert (review.said, review.value, review.source) == ("pause", None, LabelSource.REVIEW)
    assert (review.known_at, review.recorded_at, review.probability) == (AT, AT, 1.0)
    assert (audit.said, audit.value, audit.probability, audit.weight) == ("fraud", "fraud", 0.02, 50.0)
    assert (word.said, word.value) == ("chargeback", None)
    assert (event.value, event.probability) == ("fraud", 1.0)
    valid = labels.valid_label([review], truth, outcome="review", decided_at=AT, moment=AT + timedelta(days=31))
    assert valid is not None
    assert (valid.value, valid.source, valid.mature) == ("fraud", LabelSource.REVIEW, True)

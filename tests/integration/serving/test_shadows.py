"""What shadows said is written as one statement, once, and read back beside the decision or counted."""

from datetime import timedelta
from uuid import UUID

from andon import serving
from andon.kernel.db import Database
from shadowing import NOW, arm, failed, said, write


def test_what_was_written_is_read_back_by_version(database: Database) -> None:
    write(database, said(1, 3), failed(1, 2), said(2))
    with database.begin() as tx:
        assert serving.shadows_of(tx, UUID(int=1)) == [failed(1, 2), said(1, 3)]
        assert serving.shadows_of(tx, UUID(int=3)) == []


def test_a_batch_that_is_sent_twice_is_there_once(registry: Database) -> None:
    write(registry, said(1), said(2))
    write(registry, said(1, outcome="pause"), said(3))
    with registry.begin() as tx:
        assert serving.shadows_of(tx, UUID(int=1)) == [said(1)]
        assert serving.compare_shadows(tx, "payments", arm(2), NOW).count == 3


def test_an_empty_batch_is_no_mistake(database: Database) -> None:
    write(database)


def test_a_shadow_is_counted_since_a_moment(registry: Database) -> None:
    old = said(9, at=NOW - timedelta(days=2))
    by_another_policy = said(1, policy="f" * 12)
    write(registry, said(1), said(2, outcome="pause", score=0.9), failed(3), said(4, 3), old, by_another_policy)
    with registry.begin() as tx:
        summary = serving.compare_shadows(tx, "payments", arm(2), NOW - timedelta(days=1))
        nothing = serving.compare_shadows(tx, "payments", arm(1), NOW)
        elsewhere = serving.compare_shadows(tx, "refunds", arm(2), NOW - timedelta(days=1))
    assert (summary.count, summary.errors, summary.outcomes) == (3, 1, {"pause": 1, "release": 1})
    assert (summary.mean_score, summary.mean_confidence) == (0.5, 0.5)
    assert elsewhere.count == 0
    assert (nothing.count, nothing.errors, nothing.outcomes, nothing.mean_score) == (0, 0, {}, None)

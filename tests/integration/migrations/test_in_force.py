"""An installation of the previous revision: its splits become those of its automations, its code is released."""

from uuid import UUID

import pytest
from sqlalchemy import text

from andon import decisions, migrations, policies, serving
from andon.kernel.db import Database
from andon.migrations import upgrading
from andon.serving import Candidate, bucket_of

BEFORE = """
INSERT INTO automation_versions (name, number, digest, description, deployed_by, deployed_at) VALUES
    ('payments', 1, 'd1', '{"model": "other-model"}', 'andon', '2026-11-01'),
    ('payments', 2, 'd2', '{"model": "fraud-risk"}', 'andon', '2026-11-02'),
    ('refunds', 1, 'd3', '{"model": "fraud-risk"}', 'andon', '2026-11-03'),
    ('credit', 1, 'd4', '{"model": "credit-risk"}', 'andon', '2026-11-04');
INSERT INTO traffic_splits (endpoint, number, shares, shadows, set_by, reason, set_at, places) VALUES
    ('fraud-risk', 1, '{"2": 10}', '[3]', 'otto', 'try', '2026-11-05', '{"2": [[0, 1000]]}'),
    ('fraud-risk', 2, '{"2": 12.5, "3": 5}', '[]', 'olga', 'more', '2026-11-06',
     '{"2": [[0, 1000], [2000, 2250]], "3": [[1000, 1500]]}');
INSERT INTO decisions VALUES
    ('01930000-0000-7000-8000-000000000001', 'payments', 2, '2026-11-07', 'release', 'safe', 0.1,
    0.9, true, 'fraud-risk', 1, '3f2a9c01d2e4', 'bank', 'c', 5, gen_random_uuid(), 1, '', '{}');
INSERT INTO shadow_predictions VALUES
    ('01930000-0000-7000-8000-000000000001', 'fraud-risk', 3, 'pause', 0.9, 'fraud', 0.9, NULL, '2026-11-07'),
    ('01930000-0000-7000-8000-000000000002', 'fraud-risk', 3, 'pause', 0.9, 'fraud', 0.9, NULL, '2026-11-07');
"""


@pytest.fixture
def migrated(database: Database) -> Database:
    """Return a database of revision 0005 with a split, its history and a shadow, upgraded to the present schema."""
    with database.begin() as tx:
        tx.execute(text("DROP SCHEMA public CASCADE"))
        tx.execute(text("CREATE SCHEMA public"))
    upgrading.upgrade(database, "0005")
    with database.begin() as tx:
        tx.exec_driver_sql(BEFORE)
    migrations.ensure(database)
    return database


def test_each_automation_of_a_model_gets_its_split_with_its_history(migrated: Database) -> None:
    with migrated.begin() as tx:
        for name in ("payments", "refunds"):
            newest, first = serving.split_history(tx, name)
            assert serving.split_of(tx, name, "fraud-risk") == newest
            assert (newest.number, newest.shares, newest.set_by) == (2, {Candidate(2): 12.5, Candidate(3): 5.0}, "olga")
            assert (first.shadows, first.reason, first.salt) == ((Candidate(3),), "try", "fraud-risk")
        assert serving.split_of(tx, "credit", "credit-risk").number == 0


def test_every_account_stays_where_it_was(migrated: Database) -> None:
    with migrated.begin() as tx:
        split = serving.split_of(tx, "payments", "fraud-risk")
    accounts = [f"account-{number}".encode() for number in range(2000)]
    places = [bucket_of("fraud-risk", account) for account in accounts]
    expected = [2 if b < 1000 or 2000 <= b < 2250 else 3 if 1000 <= b < 1500 else 1 for b in places]
    got = [split.candidate_for(bucket_of(split.salt, account), Candidate(1)).version for account in accounts]
    assert got == expected
    assert set(got) == {1, 2, 3}


def test_what_was_deployed_last_is_released_and_no_policy_is_made_up(migrated: Database) -> None:
    with migrated.begin() as tx:
        released = {name: decisions.list_releases(tx, name) for name in ("payments", "refunds", "credit")}
        assert [policies.in_force(tx, name) for name in released] == [None] * 3
    assert {name: [one.version for one in of] for name, of in released.items()} == {
        "payments": [2],
        "refunds": [1],
        "credit": [1],
    }


def test_what_shadows_said_belongs_to_the_automation_that_decided(migrated: Database) -> None:
    with migrated.begin() as tx:
        (known,) = serving.shadows_of(tx, UUID("01930000-0000-7000-8000-000000000001"))
        (lost,) = serving.shadows_of(tx, UUID("01930000-0000-7000-8000-000000000002"))
    assert (known.automation, known.arm, known.outcome) == ("payments", "fraud-risk@3+3f2a9c01d2e4", "pause")
    assert (lost.automation, lost.arm) == ("", "fraud-risk@3")

"""Checkpoints hold what grew since the last, follow one another, and are made by one process at a time."""

from uuid import UUID

from tests.integration.audit.logbook import GATEWAY, NOON, a_sealed_log, append, change, grow, verified

from andon import audit
from andon.audit import CONTROL
from andon.kernel.db import Database


def test_a_checkpoint_holds_the_chains_that_grew_and_counts_all(database: Database) -> None:
    chain = audit.Chain(GATEWAY)
    append(database, grow(chain, 3))
    with database.begin() as tx:
        one = audit.seal(tx, NOON)
        change(tx)
        two = audit.seal(tx, NOON)
    append(database, grow(chain, 2))
    with database.begin() as tx:
        three = audit.seal(tx, NOON)
    assert one is not None
    assert two is not None
    assert three is not None
    assert [(c.number, c.chains, c.entries) for c in (one, two, three)] == [(1, 1, 3), (2, 2, 4), (3, 2, 6)]
    assert [{h.writer: h.seq for h in c.heads} for c in (one, two, three)] == [{GATEWAY: 3}, {CONTROL: 1}, {GATEWAY: 5}]
    assert (two.prev_hash, three.prev_hash) == (one.hash, two.hash)


def test_nothing_is_sealed_when_nothing_grew(database: Database) -> None:
    a_sealed_log(database)
    with database.begin() as tx:
        assert audit.seal(tx, NOON) is None


def test_two_processes_never_seal_the_same_growth(database: Database) -> None:
    with database.begin() as tx:
        change(tx)
    with database.begin() as one:
        assert audit.seal(one, NOON) is not None
        with database.begin() as two:
            assert audit.seal(two, NOON) is None
    with database.begin() as tx:
        assert audit.seal(tx, NOON) is None
    assert verified(database).checkpoints == 1


def test_a_checkpoint_that_was_rolled_back_leaves_no_gap(database: Database) -> None:
    with database.begin() as tx:
        change(tx)
    with database.engine.connect() as tx:
        audit.seal(tx, NOON)
        tx.rollback()
    with database.begin() as tx:
        again = audit.seal(tx, NOON)
    assert again is not None
    assert again.number == 1
    assert verified(database).ok


def test_the_standing_says_what_is_sealed_and_what_is_not_yet(database: Database) -> None:
    with database.begin() as tx:
        assert audit.head(tx) == audit.LogStanding(checkpoint=None, chains=0, entries=0, unsealed=0)
    a_sealed_log(database)
    append(database, grow(audit.Chain(UUID(int=9)), 2))
    with database.begin() as tx:
        standing = audit.head(tx)
    assert standing.checkpoint is not None
    assert (standing.checkpoint.number, standing.chains, standing.entries, standing.unsealed) == (2, 3, 8, 2)
    assert verified(database).unsealed == 2

"""With triggers off and rows changed by hand, `verify` says what was done, and where."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import pytest
from tests.integration.audit.logbook import (
    GATEWAY,
    NOON,
    RECORDED,
    a_sealed_log,
    append,
    change,
    grow,
    tamper,
    verified,
)

from andon import audit
from andon.audit import CONTROL, Finding, Harm, Leaf, Report, Verified
from andon.kernel.db import Database, Tx

AT_GATEWAY = f"writer = '{GATEWAY}'"
AT_CONTROL = f"writer = '{CONTROL}'"
ENTRIES = "audit_entries"
Where = tuple[Harm, UUID | None, int | None, int | None]


def where(report: audit.Report) -> list[Where]:
    return [(f.harm, f.writer, f.seq, f.checkpoint) for f in report.findings]


def test_an_untouched_log_is_sound_and_meets_its_anchor(database: Database) -> None:
    first = a_sealed_log(database)
    report = verified(database, anchor=first.hash)
    assert report.ok
    assert (report.entries, report.chains, report.checkpoints, report.unsealed) == (6, 2, 2, 0)
    assert report.head is not None
    assert report.head.number == 2


def test_an_empty_log_is_sound(database: Database) -> None:
    assert verified(database).ok


@pytest.mark.parametrize(
    ("table", "statement", "expected"),
    [
        (
            ENTRIES,
            f"UPDATE audit_entries SET actor = 'eve' WHERE {AT_CONTROL} AND seq = 2",
            [(Harm.EDITED, CONTROL, 2, None)],
        ),
        (
            ENTRIES,
            f"UPDATE audit_entries SET at = 'infinity' WHERE {AT_CONTROL} AND seq = 2",
            [(Harm.EDITED, CONTROL, 2, None)],
        ),
        (
            ENTRIES,
            f"UPDATE audit_entries SET at = at + '1 microsecond' WHERE {AT_GATEWAY} AND seq = 1",
            [(Harm.EDITED, GATEWAY, 1, None)],
        ),
        (
            ENTRIES,
            f"UPDATE audit_entries SET body = '' WHERE {AT_GATEWAY} AND seq = 3",
            [(Harm.EDITED, GATEWAY, 3, None)],
        ),
        (ENTRIES, f"DELETE FROM audit_entries WHERE {AT_GATEWAY} AND seq = 1", [(Harm.MISSING, GATEWAY, 1, None)]),
        (ENTRIES, f"DELETE FROM audit_entries WHERE {AT_CONTROL} AND seq = 2", [(Harm.MISSING, CONTROL, 2, None)]),
        (ENTRIES, f"DELETE FROM audit_entries WHERE {AT_GATEWAY} AND seq > 1", [(Harm.TRUNCATED, GATEWAY, 2, 2)]),
        (ENTRIES, f"DELETE FROM audit_entries WHERE {AT_GATEWAY}", [(Harm.CHAIN_MISSING, GATEWAY, 1, 2)]),
        (ENTRIES, f"DELETE FROM audit_entries WHERE {AT_CONTROL}", [(Harm.CHAIN_MISSING, CONTROL, 1, None)]),
        ("audit_checkpoints", "UPDATE audit_checkpoints SET entries = 2 WHERE number = 1", None),
        (
            "audit_checkpoints",
            "DELETE FROM audit_checkpoints WHERE number = 1",
            [(Harm.CHECKPOINT_MISSING, None, None, 1)],
        ),
        (
            "audit_checkpoints",
            "DELETE FROM audit_checkpoints WHERE number = 2",
            [(Harm.CHECKPOINT_MISSING, None, None, 2)],
        ),
        ("audit_heads", f"DELETE FROM audit_heads WHERE {AT_GATEWAY} AND checkpoint = 2", None),
        ("audit_heads", f"UPDATE audit_heads SET seq = 1 WHERE {AT_GATEWAY} AND checkpoint = 1", None),
    ],
)
def test_what_was_done_by_hand_is_found_where_it_was_done(
    database: Database, table: str, statement: str, expected: list[Where] | None
) -> None:
    """Where a checkpoint was altered, more than one thing no longer adds up; it is named among them."""
    a_sealed_log(database)
    tamper(database, table, statement)
    found = where(verified(database))
    if expected is not None:
        assert found == expected
    else:
        number = 1 if "= 1" in statement else 2
        assert (Harm.CHECKPOINT_EDITED, None, None, number) in found


def test_two_entries_that_changed_places_are_both_named(database: Database) -> None:
    a_sealed_log(database)
    tamper(
        database,
        ENTRIES,
        f"UPDATE audit_entries SET seq = 99 WHERE {AT_CONTROL} AND seq = 2",
        f"UPDATE audit_entries SET seq = 2 WHERE {AT_CONTROL} AND seq = 3",
        f"UPDATE audit_entries SET seq = 3 WHERE {AT_CONTROL} AND seq = 99",
    )
    assert {f.seq for f in verified(database).findings if f.harm is Harm.EDITED} == {2, 3}


def test_the_unsealed_end_of_the_changes_cannot_be_cut_off_unnoticed(database: Database) -> None:
    with database.begin() as tx:
        change(tx)
        change(tx)
    tamper(database, ENTRIES, "DELETE FROM audit_entries WHERE seq = 2")
    assert where(verified(database)) == [(Harm.TRUNCATED, CONTROL, 2, None)]


def test_a_log_emptied_together_with_its_noted_ends_misses_the_anchor(database: Database) -> None:
    first = a_sealed_log(database)
    for table in ("audit_entries", "audit_heads", "audit_checkpoints"):
        tamper(database, table, f"DELETE FROM {table}")
    tamper(database, "audit_tips", "UPDATE audit_tips SET seq = 0, hash = decode(repeat('00', 32), 'hex')")
    assert verified(database).ok
    assert [f.harm for f in verified(database, anchor=first.hash).findings] == [Harm.ANCHOR_MISSING]


def test_a_moment_that_no_calendar_holds_can_still_be_shown(database: Database) -> None:
    a_sealed_log(database)
    tamper(database, ENTRIES, "UPDATE audit_entries SET at = '-infinity'")
    tamper(database, "audit_checkpoints", "UPDATE audit_checkpoints SET at = '294276-01-01'")
    assert len(verified(database).findings) == 8
    with database.begin() as tx:
        assert len(audit.page(tx)) == 3
        assert audit.head(tx).entries == 6


def test_one_verification_at_a_time_is_enough(database: Database) -> None:
    with database.snapshot() as one, database.snapshot() as two:
        audit.verify(one, evidence={})
        with pytest.raises(audit.VerificationRunning):
            audit.verify(two, evidence={})
    assert verified(database).ok


def test_a_finding_names_action_and_subject(database: Database) -> None:
    a_sealed_log(database)
    tamper(database, ENTRIES, f"UPDATE audit_entries SET actor = 'eve' WHERE {AT_CONTROL} AND seq = 3")
    (finding,) = verified(database).findings
    assert (finding.action, finding.subject) == ("thing.close", "thing:2")


def test_more_findings_than_anybody_reads_are_counted_and_not_kept(database: Database) -> None:
    append(database, grow(audit.Chain(GATEWAY), 1500))
    tamper(database, ENTRIES, "UPDATE audit_entries SET actor = 'eve'")
    report = verified(database)
    assert (report.found, len(report.findings)) == (1500, 1000)


def test_what_is_written_during_a_verification_does_not_disturb_it(database: Database) -> None:
    a_sealed_log(database)
    chain = audit.Chain(UUID(int=8))
    append(database, grow(chain, 1500))

    def meanwhile(_: int) -> None:
        append(database, grow(chain, 1))
        with database.begin() as tx:
            change(tx)
            audit.seal(tx, NOON)

    with database.snapshot() as tx:
        report = audit.verify(tx, evidence={}, progress=meanwhile)
    assert (report.ok, report.entries) == (True, 1506)
    assert verified(database).ok


class CountingEvidence:
    """Remembers what it was shown, and finds one thing at the end."""

    def __init__(self) -> None:
        self.seen: list[tuple[UUID, int]] = []
        self.ended = 0

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> Iterable[Finding]:
        del tx
        assert {leaf.action for leaf in leaves} == {RECORDED}
        self.seen.extend((leaf.writer, leaf.seq) for leaf in leaves)
        return ()

    def unclaimed(self, tx: Tx) -> Iterable[Finding]:
        del tx
        self.ended += 1
        return [Finding(Harm.EVIDENCE_UNCLAIMED, "no leaf holds it", subject="decision:1")]


def test_evidence_sees_every_leaf_of_its_action_in_order_and_has_the_last_word(database: Database) -> None:
    append(database, grow(audit.Chain(UUID(int=8)), 1200))
    append(database, grow(audit.Chain(UUID(int=9)), 2))
    with database.begin() as tx:
        change(tx)
    evidence, read = CountingEvidence(), []
    with database.snapshot() as tx:
        report = audit.verify(tx, evidence={RECORDED: evidence}, progress=read.append)
    assert evidence.seen == [(UUID(int=8), n) for n in range(1, 1201)] + [(UUID(int=9), 1), (UUID(int=9), 2)]
    assert evidence.ended == 1
    assert sum(read) == report.entries == 1203
    assert [f.harm for f in report.findings] == [Harm.EVIDENCE_UNCLAIMED]


class Adding:
    """Evidence that adds up the first bytes of bodies, and has seen its two actions in order."""

    def __init__(self) -> None:
        self.held = 0
        self.seen: list[tuple[UUID, int]] = []

    def check(self, tx: Tx, leaves: Sequence[Leaf]) -> list[Finding]:
        self.held += sum(leaf.body[0] for leaf in leaves)
        return self.check_unsealed(tx, leaves)

    def check_unsealed(self, tx: Tx, leaves: Sequence[Leaf]) -> list[Finding]:
        del tx
        self.seen += [(leaf.writer, leaf.seq) for leaf in leaves]
        return []

    def unclaimed(self, tx: Tx) -> list[Finding]:
        del tx
        return []

    def recall(self, total: int) -> None:
        self.held = total

    def total(self) -> int:
        return self.held


def test_evidence_of_two_actions_sees_both_in_order_and_goes_on_from_its_total(database: Database) -> None:
    writer = UUID(int=8)
    chain = audit.Chain(writer)

    def grown(*actions: str) -> None:
        for action in actions:
            leaf = chain.link(actor="gateway", action=action, subject="line", body=bytes([chain_sum(action)]), at=NOON)
            chain.advance(leaf)
            append(database, [leaf])

    def chain_sum(action: str) -> int:
        return 1 if action == "a" else 10

    def verify(since: Verified | None = None) -> tuple[Adding, Report]:
        evidence = Adding()
        with database.snapshot() as tx:
            return evidence, audit.verify(tx, evidence={"a": evidence, "b": evidence}, since=since)

    grown("a", "b", "c", "a")
    with database.begin() as tx:
        audit.seal(tx, NOON)
    grown("b")
    first, report = verify()
    assert first.seen == [(writer, 1), (writer, 2), (writer, 4), (writer, 5)]
    assert report.verified is not None
    assert report.verified.totals == {"a": 12}
    grown("b")
    with database.begin() as tx:
        audit.seal(tx, NOON)
    second, report = verify(report.verified)
    assert second.seen == [(writer, 5), (writer, 6)]
    assert report.verified is not None
    assert report.verified.totals == {"a": 32}
    assert verify()[1].verified == report.verified

"""Changes stand or fall with what they describe, form one chain however many write, and are found again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import asyncpg
import pytest
from tests.integration.audit.logbook import ANNA, BERT, GATEWAY, NOON, append, change, grow, verified

from andon import audit
from andon.kernel.db import Database


def test_an_entry_says_who_did_what_and_why(database: Database) -> None:
    with database.begin() as tx:
        audit.record(
            tx,
            actor=ANNA,
            action="model.alias.set",
            subject="model:fraud-risk",
            at=NOON,
            reason="better",
            before={"number": 1},
            after={"number": 2, "since": NOON},
        )
        (entry,) = audit.page(tx)
    assert (entry.leaf.actor, entry.leaf.action, entry.leaf.subject, entry.leaf.at) == (
        "anna",
        "model.alias.set",
        "model:fraud-risk",
        NOON,
    )
    assert (entry.reason, entry.before) == ("better", {"number": 1})
    assert entry.after == {"number": 2, "since": "2026-11-24T12:00:00+00:00"}


def test_a_change_that_was_rolled_back_left_no_entry(database: Database) -> None:
    with database.engine.connect() as tx:
        change(tx)
        tx.rollback()
    with database.begin() as tx:
        change(tx)
        assert [entry.leaf.seq for entry in audit.page(tx)] == [1]
    assert verified(database).ok


def test_changes_written_at_once_form_one_chain(database: Database) -> None:
    def write(_: int) -> None:
        with database.begin() as tx:
            change(tx)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(40)))
    report = verified(database)
    assert (report.ok, report.entries, report.chains) == (True, 40, 1)


def test_a_repeated_append_of_a_leaf_is_refused_by_its_key(database: Database) -> None:
    leaves = grow(audit.Chain(GATEWAY), 1)
    append(database, leaves)
    with pytest.raises(asyncpg.UniqueViolationError):
        append(database, leaves)


def test_the_log_is_read_newest_first_by_actor_action_and_subject(database: Database) -> None:
    append(database, grow(audit.Chain(GATEWAY), 2))
    with database.begin() as tx:
        for day, (action, subject, actor) in enumerate(
            [("a.one", "x", ANNA), ("a.two", "y", BERT), ("b.one", "x", ANNA), ("a%b", "x", ANNA)]
        ):
            audit.record(tx, actor=actor, action=action, subject=subject, at=NOON + timedelta(days=day))
        found = {
            "all": audit.page(tx),
            "anna": audit.page(tx, actor="anna"),
            "a.": audit.page(tx, action="a."),
            "a%": audit.page(tx, action="a%"),
            "x": audit.page(tx, subject="x"),
            "both": audit.page(tx, actor="anna", action="a."),
            "decisions": audit.page(tx, action="decisions.", changes_only=False),
        }
    assert {name: [entry.leaf.action for entry in entries] for name, entries in found.items()} == {
        "all": ["a%b", "b.one", "a.two", "a.one"],
        "anna": ["a%b", "b.one", "a.one"],
        "a.": ["a.two", "a.one"],
        "a%": ["a%b"],
        "x": ["a%b", "b.one", "a.one"],
        "both": ["a.one"],
        "decisions": ["decisions.record", "decisions.record"],
    }


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_follow_one_another_without_gap_or_repetition(database: Database, size: int) -> None:
    append(database, grow(audit.Chain(GATEWAY), 3))
    with database.begin() as tx:
        for _ in range(4):
            change(tx)
        whole = audit.page(tx, changes_only=False)
        walked: list[audit.AuditEntry] = []
        while page := audit.page(tx, changes_only=False, limit=size, before=walked[-1].cursor if walked else None):
            walked.extend(page)
    assert len(whole) == 7
    assert walked == whole


@pytest.mark.parametrize("cursor", ["", "x.1", "0" * 32, "0" * 32 + ".x", "g" * 32 + ".1", "0" * 32 + ".²"])
def test_a_cursor_that_no_page_gave_is_refused(database: Database, cursor: str) -> None:
    with database.begin() as tx, pytest.raises(audit.CursorInvalid):
        audit.page(tx, before=cursor)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_no_database_can_hold_is_refused_when_written_and_not_found_when_read(
    database: Database, text: str
) -> None:
    with database.begin() as tx:
        with pytest.raises(audit.EntryInvalid):
            change(tx, subject=text)
        change(tx)
        assert audit.page(tx, subject=text) == audit.page(tx, actor=text) == audit.page(tx, action=text) == []

"""Verification names each position, seek and pause of a stream that was changed by hand, also after it went on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_json
from sqlalchemy import text
from tests.integration.audit.test_rows import undone, unguarded
from tests.integration.streams.streaming import KEY, decided, reading, run, scalar, streaming, until

from andon import audit, streams
from andon.audit import Finding, Harm
from andon.bootstrap.verifying import verify_log
from andon.bootstrap.vouched import ROWS, all_evidence
from andon.kernel.config import Settings
from andon.kernel.db import Database, Tx
from andon.kernel.identity import Actor
from andon.testing import MemorySource
from automations import payment
from lines import Installation

OTTO = Actor("otto")
ZERO = f"stream:{KEY}/0"
HERE = "WHERE partition = '0'"


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    return streaming(database, tmp_path)


def send(source: MemorySource, *numbers: int) -> None:
    for number in numbers:
        source.send(to_json(payment(number)), key=f"k{number}")


def read(installation: Installation, source: MemorySource, total: int) -> None:
    """Have a new process read until so many are decided."""

    async def test() -> None:
        async with reading(installation, source):
            await until(lambda: decided(installation) == total)

    run(test)


def findings(tx: Tx) -> list[Finding]:
    return list(audit.verify(tx, evidence=all_evidence(), rows=ROWS).findings)


def seal(installation: Installation) -> None:
    with installation.database.begin() as tx:
        audit.seal(tx, installation.clock.now())


def changed(installation: Installation, statement: str) -> None:
    with installation.database.begin() as tx:
        assert tx.execute(text(statement)).rowcount


def worked_off(installation: Installation) -> MemorySource:
    """Return a source with two partitions that two processes read, with seeks and a pause between."""
    source = MemorySource(partitions=2)
    send(source, *range(40))
    read(installation, source, 40)
    with installation.database.begin() as tx:
        now = installation.clock.now()
        streams.pause(tx, KEY, actor=OTTO, reason="a look", now=now)
        streams.resume(tx, KEY, actor=OTTO, reason="done", now=now)
        streams.seek(tx, KEY, "start", partition="1", actor=OTTO, reason="once more", now=now)
    repeated = scalar(installation, "SELECT position FROM stream_partitions WHERE partition = '1'")
    send(source, *range(40, 60))
    read(installation, source, 60 + repeated)
    return source


NEW = """
INSERT INTO stream_partitions (automation, stream, partition, position, paused)
SELECT automation, stream, '7', 100, false FROM streams
"""
CHANGES = (
    (f"UPDATE stream_partitions SET position = position + 5 {HERE}", Harm.EVIDENCE_EDITED, ZERO),
    (f"UPDATE stream_partitions SET position = position - 5 {HERE}", Harm.EVIDENCE_EDITED, ZERO),
    (f"UPDATE stream_partitions SET paused = true {HERE}", Harm.EVIDENCE_EDITED, ZERO),
    (f"UPDATE stream_partitions SET seek = 'end' {HERE}", Harm.EVIDENCE_EDITED, ZERO),
    ("UPDATE streams SET paused_at = now(), paused_by = 'otto'", Harm.EVIDENCE_EDITED, f"stream:{KEY}"),
    (f"DELETE FROM stream_partitions {HERE}", Harm.EVIDENCE_MISSING, ZERO),
    (
        NEW,
        Harm.EVIDENCE_UNCLAIMED,
        f"stream:{KEY}/7",
    ),
    (
        "UPDATE audit_entries SET body = '{\"0\":[0,99]}' WHERE action = 'stream.move' AND body LIKE '{\"0\":[0,%'",
        Harm.EDITED,
        f"stream:{KEY}",
    ),
)


def test_each_change_by_hand_is_named(installation: Installation) -> None:
    worked_off(installation)
    with installation.database.snapshot() as tx:
        assert findings(tx) == []
    unnoticed = []
    with unguarded(installation.database) as tx:
        for statement, harm, subject in CHANGES:
            with undone(tx, statement) as rows:
                found = findings(tx)
            if not rows or (harm, subject) not in [(one.harm, one.subject) for one in found]:
                unnoticed.append((statement, rows, found))
    assert unnoticed == []


def test_a_position_that_was_changed_stays_named_when_the_stream_has_gone_on(installation: Installation) -> None:
    source = MemorySource()
    send(source, *range(20))
    read(installation, source, 20)
    send(source, *range(20, 30))
    changed(installation, "UPDATE stream_partitions SET position = 25")
    read(installation, source, 25)
    with installation.database.snapshot() as tx:
        (found,) = findings(tx)
    assert (found.harm, found.subject) == (Harm.EVIDENCE_EDITED, ZERO)
    assert found.message == "its entries lead to 20, and it continued from 25"


def test_a_seek_that_nobody_asked_for_stays_named_when_it_was_carried_out(installation: Installation) -> None:
    source = MemorySource()
    send(source, *range(20))
    read(installation, source, 20)
    changed(installation, "UPDATE stream_partitions SET seek = 'start'")
    read(installation, source, 40)
    with installation.database.snapshot() as tx:
        (found,) = findings(tx)
    assert (found.harm, found.subject, found.action) == (Harm.EVIDENCE_EDITED, ZERO, "stream.place")


def test_an_incremental_verification_goes_on_from_the_positions_of_the_last(
    installation: Installation, tmp_path: Path
) -> None:
    def incrementally() -> Any:
        with installation.database.snapshot() as tx:
            return verify_log(tx, Settings(root=tmp_path), incremental=True)

    source = worked_off(installation)
    seal(installation)
    first = incrementally()
    assert first.ok, first.findings
    before = decided(installation)
    send(source, *range(60, 70))
    read(installation, source, before + 10)
    assert incrementally().ok  # nothing of it is sealed
    seal(installation)
    second = incrementally()
    assert (second.ok, second.read < second.entries) == (True, True)
    with installation.database.snapshot() as tx:
        assert verify_log(tx, Settings(root=tmp_path)).verified == second.verified
    changed(installation, f"UPDATE stream_partitions SET position = position - 3 {HERE}")
    assert [one.subject for one in incrementally().findings] == [ZERO]


def test_a_paused_stream_that_goes_on_by_hand_is_named(installation: Installation) -> None:
    worked_off(installation)
    with installation.database.begin() as tx:
        streams.pause(tx, KEY, actor=OTTO, reason="a look", now=installation.clock.now())
    with installation.database.snapshot() as tx:
        assert findings(tx) == []
    changed(installation, "UPDATE streams SET paused_at = NULL, paused_by = NULL, pause_reason = NULL")
    changed(installation, "UPDATE stream_partitions SET paused = false")
    with installation.database.snapshot() as tx:
        assert [one.subject for one in findings(tx)] == [f"stream:{KEY}"]


def test_what_stood_before_there_were_entries_is_adopted(installation: Installation) -> None:
    source = worked_off(installation)
    with unguarded(installation.database) as tx:  # as a version without these entries left it
        tx.execute(text("DELETE FROM audit_entries WHERE action LIKE 'stream.%' AND action <> 'stream.seek'"))
        streams.adopt(tx, installation.clock.now())
        of_streams = all_evidence()
        report = audit.verify(tx, evidence=of_streams)
        assert not [one for one in report.findings if (one.subject or "").startswith("stream:")]
        tx.execute(text("UPDATE stream_partitions SET position = position + 1"))
        report = audit.verify(tx, evidence=all_evidence())
        named: Mapping[str | None, Harm] = {one.subject: one.harm for one in report.findings}
        assert named[ZERO] is Harm.EVIDENCE_EDITED
    assert source.closed

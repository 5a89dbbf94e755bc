"""Streams that bring labels: each is recorded once with the stream's position; unusable ones are dead with reasons."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic_core import to_json
from sqlalchemy import text
from tests.integration.labels.labelling import decided
from tests.integration.streams.streaming import Counting, Forwarder, reading, rows, run, scalar, sound, until

from andon import Trigger, Truth, labels, streams
from andon.authoring.errors import DeclarationInvalid
from andon.decisions import AlongsideEntry
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.kernel.identity import Actor
from andon.kernel.statements import Statement
from andon.streams import Intake
from andon.streams.labelling import LabelWriter
from andon.testing import MemorySource
from automations import an_automation
from lines import Installation, install

LABELS = "SELECT count(*) FROM labels"
POSITION = "SELECT coalesce(sum(position), 0) FROM stream_partitions"


def chargeback(event: Mapping[str, str]) -> Mapping[str, object] | None:
    """Return the bank's report."""
    if event["kind"] == "refund":
        return None
    return {"decision_id": event["reference"], "value": {"stolen": "fraud", "fine": "ok"}[event["kind"]]}


@pytest.fixture
def installation(database: Database, tmp_path: Path) -> Installation:
    automation, other = an_automation(), an_automation("lending")
    reported = Trigger("memory", "chargebacks", read=chargeback)
    automation.truth = Truth({"pause": "fraud", "release": "ok"}, matures=timedelta(days=30), reported=reported)
    other.truth = automation.truth
    return install(database, tmp_path, automation)


def reported(reference: object, kind: str = "stolen", *, day: int = 1) -> tuple[bytes, dict[str, str]]:
    """Return an event and its headers."""
    headers = {"ce_specversion": "1.0", "ce_id": str(uuid4()), "ce_source": "bank", "ce_type": "chargeback"}
    at = datetime(2026, 11, day, tzinfo=UTC).isoformat()
    return to_json({"reference": str(reference), "kind": kind}), headers | {"ce_time": at}


def send(source: MemorySource, *events: tuple[bytes, dict[str, str]]) -> None:
    for data, headers in events:
        source.send(data, headers=headers)


def test_reports_become_labels_at_the_time_of_their_events_in_whatever_order(installation: Installation) -> None:
    row = decided(installation)
    source, watch = MemorySource(), Counting()
    send(source, reported(row.id, "fine", day=3), reported(row.id, day=5), reported(row.id, day=1))
    send(source, reported(row.id, "fine", day=3), reported(row.id, "refund"))

    async def test() -> None:
        async with reading(installation, source, watch=watch):
            await until(lambda: scalar(installation, POSITION) == 5)

    run(test)
    with installation.database.begin() as tx:
        said = labels.of_decision(tx, row.id)
        then = labels.valid_of(tx, [row], datetime(2026, 11, 4, tzinfo=UTC))[row.id]
        now = labels.valid_of(tx, [row], installation.clock.now())[row.id]
    assert sorted((label.known_at.day, label.value) for label in said) == [(1, "fraud"), (3, "ok"), (5, "fraud")]
    assert ({label.by for label in said}, then.value, now.value) == ({"memory:chargebacks"}, "ok", "fraud")
    counted = rows(installation, "SELECT decided, repeated, left_out, dead FROM stream_partitions")
    assert [tuple(one) for one in counted] == [(3, 1, 1, 0)]


def test_what_cannot_be_used_is_dead_with_its_reason_and_can_be_mended(installation: Installation) -> None:
    row = decided(installation)
    source = MemorySource()
    send(source, reported("nonsense"), reported(uuid4()), reported(row.id, "lost"), reported(row.id))

    async def test() -> None:
        async with reading(installation, source):
            await until(lambda: scalar(installation, POSITION) == 4)
        decider = installation.decider()
        with installation.database.begin() as tx:
            nobody = next(event for event in streams.dead_events(tx) if "No decision" in event.reason)
            for event in streams.dead_events(tx):
                kind = "fine" if event.id == nobody.id else "lost"
                data, _ = reported(row.id, kind)
                streams.resend(
                    tx, event.id, data=data, actor=Actor("otto"), reason="mended", now=installation.clock.now()
                )
        intake = Intake(installation.database, installation.deployment, decider, installation.clock, Events())
        await intake.run_round()
        await decider.close()

    run(test)
    assert [tuple(one) for one in rows(installation, "SELECT value FROM labels ORDER BY id")] == [("fraud",), ("ok",)]
    dead = rows(installation, "SELECT state, reason LIKE '%KeyError%' FROM dead_events ORDER BY state")
    assert [tuple(one) for one in dead] == [("dead", True), ("dead", True), ("sent", False)]
    assert scalar(installation, "SELECT count(*) FROM intake") == 0


def test_a_killed_reader_and_a_lost_answer_record_nothing_twice(installation: Installation, database: Database) -> None:
    ids = [decided(installation, amount=float(number + 1)).id for number in range(3)]
    source, forwarder = MemorySource(), Forwarder(database.url)
    through = Database(forwarder.url)
    send(source, *(reported(one, day=1 + number % 20) for number in range(300) for one in ids))

    async def test() -> None:
        async with forwarder, reading(installation, source, database=through):
            for _ in range(5):
                await asyncio.sleep(0.1)
                forwarder.cut()
            await until(lambda: scalar(installation, POSITION) == 900)

    run(test)
    through.close()
    assert forwarder.cuts
    assert scalar(installation, LABELS) == 60
    assert scalar(installation, "SELECT sum(decided) FROM stream_partitions") == 60
    assert sound(installation)


def test_decisions_of_other_automations_are_not_found(database: Database, tmp_path: Path) -> None:
    reporting = an_automation("lending")
    reporting.truth = Truth({"pause": "fraud"}, reported=Trigger("memory", "chargebacks", read=chargeback))
    installation = install(database, tmp_path, an_automation(), reporting)
    source = MemorySource()
    send(source, reported(decided(installation).id))

    async def test() -> None:
        async with reading(installation, source):
            await until(lambda: scalar(installation, POSITION) == 1)

    run(test)
    with installation.database.begin() as tx:
        (event,) = streams.dead_events(tx)
        assert tx.execute(text(LABELS)).scalar_one() == 0
    assert (event.automation, event.reason.startswith("No decision")) == ("lending", True)


@pytest.mark.parametrize("source", ["http", "schedule"])
def test_a_source_that_brings_no_labels_is_refused(source: str) -> None:
    with pytest.raises(DeclarationInvalid, match="brings no labels"):
        Truth({"pause": "fraud"}, reported=(Trigger(source, "x"),))


class Noted:
    """A sender without writes, but with an audit entry."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def entry(self) -> AlongsideEntry:
        return AlongsideEntry("test.write", "test", b"{}", self._at)

    def statements(self, *_: object) -> list[Statement]:
        return []

    async def is_written(self, connection: object) -> bool:
        raise NotImplementedError


def test_a_cancelled_batch_that_is_still_recorded_and_the_next_follow_each_other_in_one_chain(
    installation: Installation,
) -> None:
    writer = LabelWriter(installation.database, "payments", events=Events(), clock=installation.clock)
    noted, waits = Noted(installation.clock.now()), "SELECT count(*) FROM pg_locks WHERE NOT granted"

    async def test() -> None:
        with installation.database.begin() as tx:
            tx.execute(text("LOCK TABLE audit_entries IN SHARE MODE"))
            cancelled = asyncio.ensure_future(writer.decide([], noted))
            await until(lambda: scalar(installation, waits) == 1)
            cancelled.cancel()
            following = asyncio.ensure_future(writer.decide([], noted))
            await asyncio.wait([following], timeout=0.5)  # long enough to wait for the table as well, if it could
        await following

    run(test)
    entries = rows(installation, "SELECT writer, seq FROM audit_entries WHERE action = 'test.write' ORDER BY seq")
    assert [entry.seq for entry in entries] == [1, 2]
    assert len({entry.writer for entry in entries}) == 1

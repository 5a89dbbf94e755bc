"""The stream: each tally counts each decision once, whatever happens to the others."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from andon import MaxError, Truth, evidence
from andon.decisions import DecisionBatch, FeedGroup
from andon.evidence import DecisionStream, EvidenceRounds, collecting, store
from andon.kernel.db import Database, DatabaseUnavailable, Tx
from lines import install
from proving import GatedLine, a_gated, a_gated_line, rightly


class Counting:
    """A tally that counts ids, and cannot count some."""

    def __init__(self, name: str, *refused: UUID) -> None:
        self.name, self.refused = name, set(refused)
        self.counted: Counter[UUID] = Counter()

    def count(self, tx: Tx, batch: DecisionBatch, now: datetime) -> None:
        ids = {UUID(bytes=key) for group in batch.groups for key in group.keys}
        if self.refused & ids:
            raise ValueError("cannot count this one")
        self.counted.update(ids)


class Interrupted(Counting):
    """A tally whose connection the server ends while it counts for the first time."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.attempts = 0

    def count(self, tx: Tx, batch: DecisionBatch, now: datetime) -> None:
        self.attempts += 1
        if self.attempts == 1:
            tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        super().count(tx, batch, now)


@pytest.fixture
def line(database: Database, tmp_path: Path) -> GatedLine:
    return a_gated_line(database, tmp_path)


def read(line: GatedLine, stream: DecisionStream) -> None:
    more = True
    while more:
        with line.database.begin() as tx:
            more = stream.take(tx, line.installation.clock.now())


def catch_up(line: GatedLine, stream: DecisionStream) -> dict[str, int]:
    with line.database.begin() as tx:
        stream.catch_up(tx, line.installation.clock.now())
    with line.database.begin() as tx:
        return evidence.held(tx)


def test_a_tally_that_fails_stops_no_other_and_loses_nothing(line: GatedLine) -> None:
    ids = {one.request.id for one in line.decide(40)}
    bad = min(ids)
    well, ill = Counting("well"), Counting("ill", bad)
    stream = DecisionStream([ill, well])
    read(line, stream)
    assert set(well.counted) == ids
    assert not ill.counted
    for _ in range(12):
        kept = catch_up(line, stream)
    assert kept == {"ill": 1}  # one decision that cannot be counted holds up no other
    assert set(ill.counted) == ids - {bad}
    ill.refused.clear()
    assert catch_up(line, stream) == {}
    assert set(ill.counted) == ids
    assert set(ill.counted.values()) == set(well.counted.values()) == {1}


def test_a_lost_connection_is_no_fault_of_a_tally(line: GatedLine) -> None:
    ids = {one.request.id for one in line.decide(5)}
    tally = Interrupted("tally")
    with capture_logs() as logs, pytest.raises(DatabaseUnavailable):
        read(line, DecisionStream([tally]))
    assert (tally.attempts, logs) == (1, [])
    read(line, DecisionStream([tally]))
    assert set(tally.counted) == ids
    assert catch_up(line, DecisionStream([tally])) == {}


def test_decisions_that_are_kept_survive_the_worker(line: GatedLine) -> None:
    ids = {one.request.id for one in line.decide(5)}
    read(line, DecisionStream([Counting("ill", *ids)]))
    mended = Counting("ill")
    assert catch_up(line, DecisionStream([mended])) == {}
    assert set(mended.counted) == ids


def test_a_decision_that_cannot_be_counted_stops_the_evidence_of_no_other_automation(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = install(database, tmp_path, a_gated(MaxError(0.1)), a_gated(MaxError(0.1), name="odd"))
    well, ill = GatedLine(installation, "gated"), GatedLine(installation, "odd")
    for line in (well, ill):
        line.label(line.decide(40), rightly)
    bad, usual = ill.decided[0].request.id, collecting.is_looked_at

    def is_looked_at(group: FeedGroup) -> bool:
        if bad.bytes in group.keys:
            raise ValueError("cannot count this one")
        return usual(group)

    monkeypatch.setattr(collecting, "is_looked_at", is_looked_at)

    def aged(line: GatedLine) -> int:
        with database.begin() as tx:
            return len(evidence.cases_after(tx, line.name, [line.arm], 0, 100))

    for _ in range(12):
        well.prove()
        with database.begin() as tx:
            well.rounds.catch_up(tx, installation.clock.now())
    assert (aged(well), aged(ill)) == (40, 0)
    monkeypatch.undo()
    with database.begin() as tx:
        well.rounds.catch_up(tx, installation.clock.now())
    well.prove()
    assert aged(ill) == 40


def test_counts_are_kept_until_the_labels_of_their_day_are_mature(database: Database, tmp_path: Path) -> None:
    truth = Truth({"pause": "fraud", "release": "ok"}, matures=timedelta(days=120))
    line = a_gated_line(database, tmp_path, truth=truth)
    line.decide(10)
    now = line.installation.clock.now()
    line.prove(now)
    for days, kept in ((100, True), (160, False)):
        line.rounds = EvidenceRounds()
        line.prove(now + timedelta(days=days))
        with database.begin() as tx:
            assert (evidence.daily(tx, line.name, line.arm, now.date())[1] == 10) is kept


def test_a_line_that_cannot_be_counted_is_kept_alone_and_at_once(database: Database, tmp_path: Path) -> None:
    installation = install(database, tmp_path, a_gated(MaxError(0.1)), a_gated(MaxError(0.1), name="odd"))
    well, ill = GatedLine(installation, "gated"), GatedLine(installation, "odd")
    good, bad = ({one.request.id for one in line.decide(20)} for line in (well, ill))
    tally = Counting("tally", *bad)
    read(well, DecisionStream([tally]))
    assert set(tally.counted) == good
    with database.begin() as tx:
        assert evidence.held(tx) == {"tally": 20}
        assert store.held_automations(tx, "tally") == {"odd"}


def test_what_was_kept_is_not_counted_beside_new_decisions(line: GatedLine) -> None:
    ids = {one.request.id for one in line.decide(5)}
    read(line, DecisionStream([Counting("tally", *ids)]))
    now, counting, again = line.installation.clock.now(), Counting("tally"), Counting("tally")
    with line.database.begin() as reading:
        DecisionStream([counting]).take(reading, now)
        with line.database.begin() as tx:
            assert not DecisionStream([again]).catch_up(tx, now)
        assert not again.counted
    assert catch_up(line, DecisionStream([again])) == {}
    assert set(again.counted) == ids


def test_a_worker_beside_another_that_reads_waits_for_its_turn(line: GatedLine) -> None:
    read(line, EvidenceRounds().stream)
    line.decide(5)
    now = line.installation.clock.now()
    with line.database.begin() as reading:
        EvidenceRounds().stream.take(reading, now)
        with line.database.begin() as tx:
            assert not EvidenceRounds().step(tx, now)

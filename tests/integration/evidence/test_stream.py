"""The stream: each tally counts each decision once, whatever happens to the others."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest

from andon import evidence
from andon.decisions import FeedItem
from andon.evidence import DecisionStream
from andon.kernel.db import Database, Tx
from proving import GatedLine, a_gated_line


class Counting:
    """A tally that counts ids, and cannot count some."""

    def __init__(self, name: str, *refused: UUID) -> None:
        self.name, self.refused = name, set(refused)
        self.counted: Counter[UUID] = Counter()

    def count(self, tx: Tx, items: Sequence[FeedItem], now: datetime) -> None:
        if self.refused & {item.id for item in items}:
            raise ValueError("cannot count this one")
        self.counted.update(item.id for item in items)


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


def test_decisions_that_are_kept_survive_the_worker(line: GatedLine) -> None:
    ids = {one.request.id for one in line.decide(5)}
    read(line, DecisionStream([Counting("ill", *ids)]))
    mended = Counting("ill")
    assert catch_up(line, DecisionStream([mended])) == {}
    assert set(mended.counted) == ids

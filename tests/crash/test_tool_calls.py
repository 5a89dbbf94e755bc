"""A worker killed in the middle of governed calls: each that may happen happens once, and no other."""

from pathlib import Path

from benchmarks.agents import kill
from benchmarks.agents_line import EFFECTS, a_worker
from sqlalchemy import text

from andon.kernel.db import Database


def test_approved_calls_happen_once_whatever_is_killed(database: Database, tmp_path: Path) -> None:
    with database.begin() as tx:
        tx.execute(text(EFFECTS))
    with a_worker(database.url, tmp_path):
        pass  # which makes the engine's tables, and releases the toolbox
    counted = kill(database, tmp_path, 2, calls=25)
    assert (counted["missing"], counted["twice"], counted["unapproved"]) == (0, 0, 0)
    assert counted["approved"] > 0

"""The disk is full for a while, log included: callers get a retryable error, and later everything continues.

It is a file system of the test's own, in memory, for which it has to be root.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from andon.kernel import config, postgres
from andon.kernel.db import Database
from andon_demo.line import Line
from crash import checks
from crash.load import Load
from receiver import Receiver
from running import running

SIZE = 300 * 2**20
"""Bytes: what an installation takes, and its log of changes at the longest."""

AWAY_SECONDS = 30.0
"""The time in which a caller learns that nothing can be recorded."""

RECOVERY_SECONDS = 30.0
"""Once there is room; `andon up` tries every ten seconds at the longest."""


@pytest.fixture
def disk(short_folder: Path) -> Iterator[Path]:
    place = short_folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=711", "tmpfs", str(place)]
    made = subprocess.run(mount, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"No file system can be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.crash
@pytest.mark.timeout(300)
def test_a_full_disk_costs_time_and_nothing_else(disk: Path) -> None:
    with Receiver() as receiver, running(receiver.url, place=disk) as line:
        load = Load([line.gateway], line.key("bank", "caller").split()[-1], seed=1, patience=AWAY_SECONDS)
        load.start()
        answered_after(line, load, time.monotonic())
        filler = fill(disk)
        line.wait_until("a caller was told", lambda: load.told[503] > 0, timeout=AWAY_SECONDS)
        filler.unlink()
        answered_after(line, load, time.monotonic())
        load.stop()
        assert wrong(line, load, receiver) == []


def fill(disk: Path) -> Path:
    """Take all the room there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(2**16))
    assert shutil.disk_usage(disk).free == 0
    return filler


def answered_after(line: Line, load: Load, moment: float) -> None:
    """Wait until somebody is answered again."""
    line.wait_until("it answered", lambda: load.answered_after(moment) is not None, timeout=RECOVERY_SECONDS)


def wrong(line: Line, load: Load, receiver: Receiver) -> list[str]:
    """All that does not hold in the end."""
    database = Database(postgres.url_of(config.load(line.folder, {})))
    try:
        line.wait_until("all was delivered", lambda: undelivered(database) == 0, timeout=RECOVERY_SECONDS)
        with database.begin() as tx:
            found = checks.calls(tx, load) + checks.consequences(tx, receiver)
    finally:
        database.close()
    return found + checks.audit(line) + checks.bugs([line.log])


def undelivered(database: Database) -> int:
    """How much waits to be sent."""
    with database.begin() as tx:
        return int(tx.execute(text("SELECT count(*) FROM outbox WHERE state <> 'done'")).scalar_one())

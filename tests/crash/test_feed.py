"""Kill `andon feed export` with SIGKILL under load: the file holds each committed decision once, in order."""

import json
import os
import random
import subprocess
import threading
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from andon.kernel.db import Database
from andon_demo.line import ANDON
from feeding import AT, Writer, in_order_of

KILLS = int(os.environ.get("ANDON_TEST_FEED_KILLS", "4"))
WRITERS = 4


class Load:
    """Writers that commit as fast as they can, now and then as a new chain, some with times out of order."""

    def __init__(self, database: Database, seed: int) -> None:
        self.chains: list[list[UUID]] = []
        self._database = database
        self._stop = threading.Event()
        draws = [random.Random(seed + number) for number in range(WRITERS)]
        self._threads = [threading.Thread(target=self._write, args=(draw,)) for draw in draws]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _write(self, draw: random.Random) -> None:
        while not self._stop.is_set():
            writer, ids = Writer(self._database), list[UUID]()
            self.chains.append(ids)
            for _ in range(draw.randrange(1, 60)):
                ids += writer.write(draw.randrange(1, 40), at=AT + timedelta(seconds=draw.uniform(-60, 60)))
                time.sleep(draw.choice((0, 0, 0.02)))
                writer.commit()


@pytest.fixture
def folder(database: Database, tmp_path: Path) -> Path:
    (tmp_path / "andon.toml").write_text('[project]\nname = "test"\n', encoding="utf-8")
    with database.begin() as tx:
        tx.execute(
            text(
                "INSERT INTO automation_versions (name, number, digest, description, deployed_by, deployed_at) "
                "VALUES ('payments', 1, 'd', '{}', 'test', now())"
            )
        )
    return tmp_path


@pytest.mark.crash
@pytest.mark.timeout(300)
def test_a_killed_export_loses_nothing_and_writes_nothing_twice(database: Database, folder: Path) -> None:
    seed = int(os.environ.get("ANDON_TEST_SEED", str(random.randrange(10**6))))
    print(f"seed {seed}, {KILLS} kills; repeat with ANDON_TEST_SEED={seed}")
    draw = random.Random(seed)
    environment = {**os.environ, "ANDON_DATABASE_URL": database.url}
    command = [ANDON, "feed", "export", "payments", "--to", "payments.ndjson"]
    file = folder / "payments.ndjson"
    with Load(database, seed) as load:
        for _ in range(KILLS):
            process = subprocess.Popen([*command, "--follow"], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
            try:
                until_it_grew(file, process)
                time.sleep(draw.uniform(0, 0.3))
            finally:
                process.kill()
            assert process.wait() == -9
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=120)
    exported = [UUID(json.loads(line)["id"]) for line in file.read_bytes().splitlines()]
    with database.begin() as tx:
        recorded = set(tx.execute(text("SELECT id FROM decisions")).scalars())
    assert len(exported) == len(set(exported)) == len(recorded)
    assert set(exported) == recorded == {one for ids in load.chains for one in ids}
    assert all(in_order_of(exported, ids) for ids in load.chains)


def until_it_grew(file: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until the export has written something more."""
    before = file.stat().st_size if file.exists() else 0
    until = time.monotonic() + 60
    while not file.exists() or file.stat().st_size <= before:
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < until, "it wrote nothing"
        time.sleep(0.01)

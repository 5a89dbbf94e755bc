"""A project's folder and `andon up` in it, with parts that only answer."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from andon.kernel import postgres
from andon.kernel.config import Settings
from andon.kernel.db import Database
from andon.supervisor import stopping

PARTS = ("gateway", "worker", "console")
PROGRAM = Path(__file__).with_name("up.py")
SECONDS = 60.0


class Up:
    """A running `andon up` and what can be seen of it."""

    def __init__(self, folder: Path, url: str | None, *words: str) -> None:
        self.folder = folder
        self._said = folder / "said.txt"
        ports = {f"ANDON_{part.upper()}_PORT": "0" for part in PARTS}
        given = {name: value for name, value in os.environ.items() if not name.startswith("ANDON_")}
        environment = given | ports | ({"ANDON_DATABASE_URL": url} if url else {})
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, PROGRAM, folder, *words], env=environment, stdout=said, stderr=subprocess.STDOUT
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    def until(self, condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + SECONDS
        while not (met := condition()):
            assert time.monotonic() < end, self.said
            time.sleep(0.02)
        return met

    def until_running(self) -> "Up":
        self.until(lambda: "Ctrl-C stops" in self.said or self.process.poll() is not None)
        assert self.process.poll() is None, self.said
        return self

    def seen(self, part: str) -> dict[str, Any]:
        return json.loads((self.folder / f"{part}.seen").read_text())  # type: ignore[no-any-return]

    def pids(self) -> list[int]:
        return [self.seen(part)["pid"] for part in PARTS]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@pytest.fixture
def project(short_folder: Path) -> Iterator[Path]:
    """Return a folder that `andon up` takes for a project; whatever runs in it is stopped afterwards."""
    (short_folder / "andon.toml").touch()
    yield short_folder
    stopping.stop(Settings(root=short_folder))


Start = Callable[..., Up]


@pytest.fixture
def start(project: Path, database: Database) -> Iterator[Start]:
    """Start `andon up` on the test's database, or on an embedded one; further words are for `up.py`."""
    started: list[Up] = []

    def _start(*words: str, embedded: bool = False) -> Up:
        started.append(Up(project, None if embedded else database.url, *words))
        return started[-1]

    yield _start
    for up in started:
        up.process.kill()
        up.process.wait()
    postgres.stop(project / ".andon" / "postgres")

"""A folder of files and a schedule keep what all sources keep."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.contract.sources.contract import SourceContract

from andon.streams.sources import FileSource, ScheduleSource
from andon.testing import START, FakeClock


class FolderStage:
    """One file; each message is a row more in it, renamed into place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: list[bytes] = []
        self._write()
        self.source = FileSource(folder)

    async def send(self, data: bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        del key, headers
        self._rows.append(data)
        self._write()

    async def again(self) -> FileSource:
        return FileSource(self._folder)

    async def elsewhere(self) -> FileSource:
        return FileSource(self._folder / "nowhere")

    async def unreachable(self) -> None:
        return None

    def _write(self) -> None:
        draft = self._folder / ".rows.ndjson"
        draft.write_bytes(b"".join(row + b"\n" for row in self._rows))
        draft.rename(self._folder / "rows.ndjson")


class TestFileSource(SourceContract):
    keyed = headed = False

    @pytest.fixture(autouse=True)
    def _in(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[FolderStage]:
        yield FolderStage(self.folder)


class ClockStage:
    """A schedule of every minute; a message is sent by letting a minute pass."""

    def __init__(self) -> None:
        self._clock = FakeClock(START + timedelta(seconds=30))
        self.source = self._of("1m")

    async def send(self, data: bytes, *, key: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        del data, key, headers
        self._clock.set(self._clock.now() + timedelta(minutes=1))

    async def again(self) -> ScheduleSource:
        return self._of("1m")

    async def elsewhere(self) -> ScheduleSource:
        return self._of("1m", timezone="Nowhere/Land")

    async def unreachable(self) -> None:
        return None

    def _of(self, when: str, timezone: str = "UTC") -> ScheduleSource:
        return ScheduleSource("minutely", when, timezone=timezone, catch_up=True, clock=self._clock)


class TestScheduleSource(SourceContract):
    keyed = headed = False

    def body(self, number: int) -> bytes:
        at = START + timedelta(minutes=number + 1)
        return b'{"scheduled_at":"%s","missed":0}' % at.isoformat().encode()

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[ClockStage]:
        yield ClockStage()

    def test_a_moment_is_found(self) -> None:
        """A schedule has no first message: what was due before it was known can be asked for as well."""

        async def test(stage: ClockStage) -> None:
            await stage.send(b"")
            asked = START - timedelta(minutes=2)
            position = await stage.source.position_at("0", asked)
            found = await stage.source.read("0", position, most=10, wait=0)
            assert [a.at for a in found] == [asked + timedelta(minutes=n) for n in range(4)]
            future = datetime(2030, 1, 1, tzinfo=UTC)
            assert await stage.source.position_at("0", future) == await stage.source.end("0")

        self.run(test)  # type: ignore[arg-type]

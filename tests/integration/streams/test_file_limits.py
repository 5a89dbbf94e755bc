"""A file that is no file, and a line that is too long, harm nobody else."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from andon.streams.ports import Arrival
from andon.streams.sources import FileSource, files


def read(folder: Path, partition: str) -> tuple[int, Sequence[Arrival]]:
    async def run() -> tuple[int, Sequence[Arrival]]:
        source = FileSource(folder)
        assert await source.partitions() == [partition]
        end = await source.end(partition)
        found = await source.read(partition, 0, most=10, wait=0)
        await source.put_away(partition)
        return end, found

    return asyncio.run(run())


@pytest.mark.parametrize("name", ["rows.ndjson", "rows.csv"])
def test_a_symbolic_link_is_not_followed(tmp_path: Path, name: str) -> None:
    secret, folder = tmp_path / "secret", tmp_path / "in"
    secret.write_text("password")
    folder.mkdir()
    (folder / name).symlink_to(secret)
    end, (arrival,) = read(folder, name)
    assert end == 1
    assert arrival.unreadable == "It is a symbolic link, which is not followed: put the file itself here"
    assert arrival.data == name.encode()
    assert (folder / "done" / name).is_symlink()
    assert secret.read_text() == "password"


def test_a_line_that_is_too_long_is_refused_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LONGEST_LINE", 10)
    lines = [b'{"a": 1}', b"x" * 25, b'{"a": 2}', b"y" * 10, b"z" * 30]
    (tmp_path / "rows.ndjson").write_bytes(b"\n".join(lines))
    end, found = read(tmp_path, "rows.ndjson")
    assert end == 5
    assert [arrival.position for arrival in found] == [0, 1, 2, 3, 4]
    assert [row.data for row in found if row.unreadable is None] == [b'{"a": 1}', b'{"a": 2}', b"y" * 10]
    assert found[1].unreadable == "Its line has 26 bytes; a line may have 10"
    assert found[4].unreadable == "Its line has 30 bytes; a line may have 10"

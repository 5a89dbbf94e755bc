"""Data sets as files: whole or not there, and what keeps one from being written is told."""

from pathlib import Path

import polars
import pytest

from andon.bootstrap.frames import DatasetInvalid, write_parquet
from limits import room_for

CHUNKS = [[{"account": f"a{n}", "amount": n / 7} for n in range(5_000)], [{"account": "b", "late": True}]]


def test_chunks_of_different_columns_become_one_file(tmp_path: Path) -> None:
    target = tmp_path / "set.parquet"
    assert write_parquet(CHUNKS, target) == 5_001
    assert polars.read_parquet(target).columns == ["account", "amount", "late"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_disk_without_room_is_told_and_leaves_the_file_before(tmp_path: Path) -> None:
    target = tmp_path / "set.parquet"
    target.write_text("before")
    with room_for(1_000), pytest.raises(DatasetInvalid, match=f"{target} cannot be written: .*File too large"):
        write_parquet(CHUNKS, target)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]

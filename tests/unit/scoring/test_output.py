"""The output: the same rows in each format, whole or not there."""

import csv
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest

from andon.scoring import COLUMNS, OutputInvalid, Scored, check, writing
from limits import room_for

RUN = UUID(int=7)
ROWS = [
    (Scored(1, "d1", "pause", 0.25, 0.1, 0.4, "fraud", 0.75, "r", ("A", "B"), 1, "m", 2, "p", None), ("k1",)),
    (Scored(2, error='input.amount: "x" is, \n no number'), (None,)),
]


def written(target: Path) -> Path:
    with writing(target, RUN, ["key"]) as output:
        output.add(ROWS[:1])
        output.add(ROWS[1:])
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    return target


def test_parquet_has_types_and_lists(tmp_path: Path) -> None:
    file = written(tmp_path / "it's [1] *.parquet")
    found = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(tmp_path / "it's [[]1[]] [*].parquet")])
    names = [column[0] for column in found.description or []]
    assert names == [*COLUMNS, "key"]
    first, second = found.fetchall()
    assert file.exists()
    assert first == (1, "d1", "pause", 0.25, 0.1, 0.4, "fraud", 0.75, "r", ["A", "B"], 1, "m", 2, "p", None, "k1")
    assert second[:2] == (2, None)
    assert second[-2] == 'input.amount: "x" is, \n no number'


def test_csv_has_the_reasons_in_one_cell(tmp_path: Path) -> None:
    with written(tmp_path / "out.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["reasons"], first["score"], first["error"], first["key"]) == ("A B", "0.25", "", "k1")
    assert (second["row"], second["outcome"], second["error"]) == ("2", "", 'input.amount: "x" is, \n no number')


def test_ndjson_has_a_document_a_row(tmp_path: Path) -> None:
    lines = written(tmp_path / "out.ndjson").read_text().splitlines()
    first, second = (dict[str, Any](json.loads(line)) for line in lines)
    assert (first["reasons"], first["interval_low"], first["key"]) == (["A", "B"], 0.1, "k1")
    assert (second["row"], second["outcome"], second["reasons"]) == (2, None, [])


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".ndjson"])
def test_what_fails_midway_leaves_the_old_output_and_nothing_else(tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"out{ending}"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), writing(target, RUN, ["key"]) as output:  # noqa: PT012 - what is raised is ours
        output.add(ROWS)
        _ = 1 / 0
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".ndjson"])
def test_a_disk_without_room_is_told_and_what_was_written_takes_none(tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"out{ending}"
    with room_for(100_000), pytest.raises(OutputInvalid, match=r"File too large; what was decided is kept"):
        write_many(target)
    assert list(tmp_path.iterdir()) == []


def write_many(target: Path) -> None:
    with writing(target, RUN, ["key"]) as output:
        for _ in range(2_000):
            output.add(ROWS)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with writing(target, RUN, []):
        (draft,) = tmp_path.iterdir()
    draft.mkdir()
    with pytest.raises(OutputInvalid, match="Is a directory"), writing(target, RUN, []):
        pass


def test_what_a_killed_run_left_is_used_again(tmp_path: Path) -> None:
    target = tmp_path / "out.ndjson"
    with writing(target, RUN, ["key"]):
        (left,) = tmp_path.iterdir()
    left.write_text("half a li")
    assert len(written(target).read_text().splitlines()) == 2


def test_no_rows_are_an_output_too(tmp_path: Path) -> None:
    for ending in (".parquet", ".csv", ".ndjson"):
        with writing(tmp_path / f"out{ending}", RUN, []):
            pass
    (rows,) = (
        duckdb.connect().execute("SELECT count(*) FROM read_parquet(?)", [str(tmp_path / "out.parquet")]).fetchall()
    )
    assert rows == (0,)


@pytest.mark.parametrize(
    ("target", "keep", "said"),
    [
        ("out.xlsx", [], "should end in .parquet"),
        ("none/out.csv", [], "There is no folder"),
        ("out.csv", ["outcome"], "output already has a column 'outcome'"),
        ("out.csv", ["id", "id"], "output already has a column 'id'"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_decided(
    tmp_path: Path, target: str, keep: list[str], said: str
) -> None:
    with pytest.raises(OutputInvalid, match=said):
        check(tmp_path / target, keep)

"""Projects are written whole or not at all, and the example is found in a checkout and in a wheel."""

import json
import tomllib
from pathlib import Path

import duckdb
import pytest
from tests.unit.scaffold.tables import write

from andon import scaffold
from andon.datafile import read_rows
from andon.decisions import Contract, load_file
from andon.scaffold.projects import EXAMPLES, example_folder
from limits import room_for

ROOT = Path(__file__).parents[3]
COLUMNS = {"n": [f"{i * 7 % 40}.5" for i in range(40)], "y": ["yes", "no"] * 20}


def test_a_project_may_be_written_into_an_empty_folder(tmp_path: Path) -> None:
    source = write(tmp_path, COLUMNS)
    (tmp_path / "line").mkdir()
    folder, _ = scaffold.from_data("line", tmp_path, source, target="y")
    assert (folder / "automation.py").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "line"]


@pytest.mark.parametrize("occupy", [Path.touch, lambda folder: (folder / "x").mkdir(parents=True)])
def test_what_is_there_already_is_left_alone(tmp_path: Path, occupy: object) -> None:
    assert callable(occupy)
    occupy(tmp_path / "line")
    with pytest.raises(scaffold.FolderOccupied, match="is not empty"):
        scaffold.from_data("line", tmp_path, write(tmp_path, COLUMNS), target="y")


def test_the_data_stays_where_it_is_and_is_found_from_the_project(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "work").mkdir()
    source = write(tmp_path / "lake", COLUMNS)
    folder, _ = scaffold.from_data("line", tmp_path / "work", source, target="y")
    assert 'DATA = HERE / "../../lake/data.csv"' in (folder / "train.py").read_text()
    assert not list(folder.rglob("*.csv"))


def test_a_parent_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    source = write(tmp_path, COLUMNS)
    with pytest.raises(scaffold.FolderUnwritable, match="No such file or directory"):
        scaffold.from_data("line", tmp_path / "absent", source, target="y")


def test_a_disk_without_room_is_said(tmp_path: Path) -> None:
    with room_for(1_000), pytest.raises(scaffold.FolderUnwritable, match=r"line cannot be written: .*File too large"):
        scaffold.from_template("line", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("example", sorted(EXAMPLES))
def test_an_example_is_found_in_the_checkout(example: str) -> None:
    assert (example_folder(ROOT / "src" / "andon" / "scaffold", example) / "automation.py").is_file()


@pytest.mark.parametrize("example", sorted(EXAMPLES))
def test_the_wheel_carries_an_example_to_where_it_is_looked_for(example: str, tmp_path: Path) -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    packaged = tmp_path / build["force-include"][f"examples/{example.replace('-', '_')}"]
    packaged.mkdir(parents=True)
    assert example_folder(tmp_path / "andon" / "scaffold", example) == packaged


def test_the_named_example_is_written(tmp_path: Path) -> None:
    folder = scaffold.from_template("my-mails", tmp_path, "mail-triage")
    assert "mail-triage" in (folder / "automation.py").read_text()
    assert (folder / ".gitignore").is_file()


def test_a_project_from_parquet_takes_its_typed_rows(tmp_path: Path) -> None:
    source = tmp_path / "data.parquet"
    duckdb.connect().execute(
        "COPY (SELECT 10000 + i * 7 AS customer_id, (i % 3 = 0)::INTEGER AS flag, (i * 37 % 80) * 1.5 AS n,"
        " DATE '2026-01-01' + i::INTEGER AS day, [i] AS list, CASE WHEN i % 5 > 0 THEN i % 2 = 0 END AS known,"
        f" (i % 4 = 0) AS y FROM range(80) AS t(i)) TO '{source}'"
    )
    folder, plan = scaffold.from_data("line", tmp_path, source, target="y")
    assert plan.target.classes == ("false", "true")
    assert [column.name for column in plan.features] == ["flag", "n", "known"]
    assert [part.name for part in plan.times] == ["day_weekday"]
    (line,) = load_file(folder / "automation.py")
    rows = list(read_rows(source))
    read = [Contract(line.contract).read(json.dumps(row).encode()) for row in rows]
    assert read[3]["customer_id"] == "10021"
    assert read[3]["flag"] is True
    assert read[0]["known"] is None
    assert len(read) == 80

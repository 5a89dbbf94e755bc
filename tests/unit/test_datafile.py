"""Data files as they are found in the world: encodings, separators, spellings, and what is no table at all."""

import bz2
import gzip
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from backports import zstd

from andon.datafile import DataFileInvalid, DataQueryInvalid, Query, packed, read_columns, read_rows, reading

CSVS = {
    "plain": (b"a,b\n1,x\n", [{"a": "1", "b": "x"}]),
    "no line end at the end": (b"a,b\n1,x", [{"a": "1", "b": "x"}]),
    "byte order mark": (b"\xef\xbb\xbfa,b\n1,x\n", [{"a": "1", "b": "x"}]),
    "UTF-16": ("a,b\n1,é\n".encode("utf-16"), [{"a": "1", "b": "é"}]),
    "Latin-1": ("a;b\n1;Müller\n".encode("latin-1"), [{"a": "1", "b": "Müller"}]),
    "Windows-1252": ("a;b\n1;5€\n".encode("cp1252"), [{"a": "1", "b": "5€"}]),
    "semicolons and decimal commas": (b"a;b\n1,5;x\n2,5;y\n", [{"a": "1,5", "b": "x"}, {"a": "2,5", "b": "y"}]),
    "tabs": (b"a\tb\n1\tx, y\n", [{"a": "1", "b": "x, y"}]),
    "a line separator in a cell": (
        "a,b\n1,x\u2028y\n2,z\n".encode(),
        [{"a": "1", "b": "x\u2028y"}, {"a": "2", "b": "z"}],
    ),
    "bars": (b"a|b\n1|x\n", [{"a": "1", "b": "x"}]),
    "one column": (b"a\n1\n2\n", [{"a": "1"}, {"a": "2"}]),
    "quoted line ends": (b'a,b\n"1\n2",x\n', [{"a": "1\n2", "b": "x"}]),
    "quoted quotes": (b'a,b\n"say ""hi""",x\n', [{"a": 'say "hi"', "b": "x"}]),
    "Windows line ends": (b"a,b\r\n1,x\r\n", [{"a": "1", "b": "x"}]),
    "mixed line ends": (b"a,b\r\n1,x\n2,y\r\n", [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]),
    "old Mac line ends": (b"a,b\r1,x\r", [{"a": "1", "b": "x"}]),
    "blanks around": (b"a, b\n 1 , x\n", [{"a": "1", "b": "x"}]),
    "blank lines": (b"a,b\n1,x\n\n2,y\n\n", [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]),
    "missing": (b"a,b\n,NA\nnull,x\n", [{"a": None, "b": None}, {"a": None, "b": "x"}]),
    "a pandas index": (b",a\n0,x\n", [{"column_1": "0", "a": "x"}]),
    "names that differ by case": (b"a,A\n1,2\n", [{"a": "1", "A": "2"}]),
    "names in angle brackets": (b"<TICKER>,<DATE>\n1,2\n", [{"<TICKER>": "1", "<DATE>": "2"}]),
    "one name in angle brackets": (b"<a>\n1\n", [{"<a>": "1"}]),
    "names in square brackets": (b"[id],[1]\n1,2\n", [{"[id]": "1", "[1]": "2"}]),
    "names in braces": (b"{id},b\n1,2\n", [{"{id}": "1", "b": "2"}]),
    "a comparison as a name": (b"<18 years,>=18\n1,2\n", [{"<18 years": "1", ">=18": "2"}]),
    "a title above the header": (b"Report of May\n\na,b,c\n1,2,3\n", [{"a": "1", "b": "2", "c": "3"}]),
    "remarks above, as a workbook saves them": (b"Report,,\n,,\na,b,c\n1,2,3\n", [{"a": "1", "b": "2", "c": "3"}]),
    "blank rows of separators": (b"a,b\n1,x\n,\n2,y\n , \n", [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]),
    "a name twice": (b"a,a,a_2\n1,2,3\n", [{"a": "1", "a_3": "2", "a_2": "3"}]),
    "gzip": (gzip.compress(b"a,b\n1,x\n"), [{"a": "1", "b": "x"}]),
    "bzip2": (bz2.compress(b"a,b\n1,x\n"), [{"a": "1", "b": "x"}]),
    "zstd": (zstd.compress(b"a,b\n1,x\n"), [{"a": "1", "b": "x"}]),
    "JSON lines": (b'{"a": 1}\n\n{"a": true, "b": [1]}\n', [{"a": "1", "b": None}, {"a": "true", "b": None}]),
    "a JSON array": (b' [{"a": 1.5},\n {"b": "x"}]', [{"a": "1.5", "b": None}, {"a": None, "b": "x"}]),
    "a quote in a name": (b'"a""b\'c",d\n1,2\n', [{"a\"b'c": "1", "d": "2"}]),
}

NO_TABLES = {
    "a damaged workbook or archive": (b"PK\x03\x04rest", "cannot be unpacked"),
    "a damaged gzip file": (gzip.compress(b"a,b\n1,2\n")[:-9], "cannot be unpacked"),
    "a file compressed twice": (gzip.compress(gzip.compress(b"a,b\n")), "compressed twice"),
    "a JSON array that ends early": (b'[{"a": 1}, {"a"', "is not JSON"),
    "JSON lines of which one is broken": (b'{"a": 1}\n{"a"\n', "document 2"),
    "brackets without end": (b'[{"a": ' + b"[" * 200_000, "nested too deeply"),
    "JSON without names": (b"[[1, 2], [3, 4]]", "looks like JSON"),
    "UTF-16 that ends early": ("a,b\n1,x\n".encode("utf-16")[:-1], "not readable as UTF-16"),
    "XML": (b'<?xml version="1.0"?>\n<rows/>', "like XML"),
    "XML that does not say so": (b"<rows>\n  <row>1</row>\n</rows>\n", "like XML"),
    "an element with attributes": (b'<rows count="1">', "like XML"),
    "a web page": (b"<!DOCTYPE html>\n<html></html>", "like XML"),
    "binary": (b"a,b\n1,\x00\x01\n", "binary data"),
    "nothing": (b"", "is empty"),
    "blanks": (b" \n\n", "is empty"),
    "ragged": (b"a,b,c\n1,2,3\n4,5\n", "line 3: expected 3 values, found 2"),
    "an open quote": (b'a,b\n1,"x\n2,y\n', "line 2: a quote is not closed"),
    "a broken Parquet file": (b"PAR1garbage", "cannot be read"),
}


@pytest.mark.parametrize(("content", "rows"), CSVS.values(), ids=CSVS.keys())
def test_a_csv_is_read_as_its_author_meant_it(
    tmp_path: Path, content: bytes, rows: list[dict[str, str | None]]
) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(content)
    assert list(read_rows(file)) == rows


@pytest.mark.parametrize(("content", "told"), NO_TABLES.values(), ids=NO_TABLES.keys())
def test_what_is_no_table_is_called_what_it_is(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(content)
    with pytest.raises(DataFileInvalid) as refused:
        list(read_rows(file))
    assert told in str(refused.value)
    assert str(file) in str(refused.value)


@pytest.mark.parametrize(("name", "told"), [("absent.csv", "There is no file"), (".", "is a folder")])
def test_what_is_no_file_is_said(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(DataFileInvalid, match=told):
        list(read_rows(tmp_path / name))


@pytest.mark.parametrize("name", ["da ta's [1].csv", "*.csv", "what?.csv", "year=2024.csv", "DATA.TXT"])
def test_a_file_is_found_under_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "other.csv").write_text("x,y\n9,9\n")
    (tmp_path / name).write_text("a,b\n1,x\n")
    assert list(read_rows(tmp_path / name)) == [{"a": "1", "b": "x"}]


def test_a_parquet_file_gives_values_that_json_can_carry(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    duckdb.connect().execute(
        "COPY (SELECT 1::TINYINT AS i, 1.5::DECIMAL(9,2) AS d, true AS b, 'NA' AS t, 'nan'::FLOAT AS f, DATE "
        "'2024-02-03' AS day,"
        " TIMESTAMP '2024-02-03 04:05:06.5' AS at, TIMESTAMPTZ '2024-02-03 04:05:06+02' AS zoned, [1, 2] AS l, "
        "'x'::BLOB AS x,"
        f" 'a'::ENUM('a', 'b') AS e, 10::UBIGINT AS u) TO '{file}'"
    )
    assert list(read_rows(file)) == [
        {
            "i": 1,
            "d": 1.5,
            "b": True,
            "t": None,
            "f": None,
            "day": "2024-02-03",
            "at": "2024-02-03 04:05:06.5",
            "zoned": "2024-02-03 02:05:06Z",
            "l": None,
            "x": None,
            "e": "a",
            "u": 10.0,
        }
    ]


def test_rows_keep_the_order_of_the_file_and_a_sample_is_always_the_same(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("i\n" + "".join(f"{i}\n" for i in range(10_000)))
    assert [int(str(row["i"])) for row in read_rows(file)] == list(range(10_000))
    sample = list(read_rows(file, most=100))
    assert len(sample) == 100
    assert list(read_rows(file, most=100)) == sample
    assert len(list(read_rows(file, most=20_000))) == 10_000


WIDE = 600
"""Characters of a row: a file of many such is larger than what one thread of DuckDB takes at a time."""


def test_the_rows_of_a_large_csv_come_in_its_order(tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("w") as out:
        out.write("number,filling\n")
        out.writelines(f"{number},{'x' * WIDE}\n" for number in range(150_000))
    assert all(row["number"] == str(number) for number, row in enumerate(read_rows(file)))


def test_the_rows_of_many_row_groups_come_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "large.parquet"
    table = f"SELECT range AS number, repeat('x', {WIDE}) AS filling FROM range(200000)"
    duckdb.sql(f"COPY ({table}) TO '{file}' (FORMAT parquet, ROW_GROUP_SIZE 20000)")
    with reading(file) as data:
        assert all(row["number"] == number for number, row in enumerate(data.rows()))
        assert [number for number, _, _ in data.rows_by_time("number")] == list(range(1, 200_001))


def test_what_was_not_plain_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("Report of May\na,a,b\n1,2,3\n")
    with reading(file) as data:
        assert [notice.partition(":")[0] for notice in data.notices] == [
            "line 2 is read as the header; 1 line above it is left out (--header names another line)",
            "another column is also called 'a'",
        ]


def test_the_header_stands_where_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("a,b\nx,y\n1,2\n")
    assert list(read_rows(file, header=2)) == [{"x": "1", "y": "2"}]
    with pytest.raises(DataFileInvalid, match="no header on line 9"):
        list(read_rows(file, header=9))


def test_a_zip_archive_gives_its_only_file_or_the_one_that_is_named(tmp_path: Path) -> None:
    file = tmp_path / "data.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
        archive.writestr("b.jsonl", '{"b": 2}\n')
    with pytest.raises(DataFileInvalid, match=r"holds 2 files: choose one with --sheet \(a.csv, b.jsonl\)"):
        list(read_rows(file))
    assert list(read_rows(file, sheet="b.jsonl")) == [{"b": "2"}]


def test_a_decompression_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path) -> None:
    file = tmp_path / "bomb.csv.gz"
    with gzip.open(file, "wb") as bomb:
        for _ in range(packed.UNSUSPICIOUS // (1 << 20) + 2):
            bomb.write(b"0" * (1 << 20))
    with pytest.raises(DataFileInvalid, match="as a decompression bomb does"):
        list(read_rows(file))


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("a," * 6_000_000)
    with pytest.raises(DataFileInvalid, match="longer than 10,000,000 bytes"):
        list(read_rows(file))


def test_an_arrow_file_gives_what_parquet_gives(tmp_path: Path) -> None:
    feather = pytest.importorskip("pyarrow.feather")
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"n": [1, None], "s": ["x", "NA"], "l": [[1], []]})
    feather.write_feather(table, tmp_path / "data.feather", compression="lz4")
    assert list(read_rows(tmp_path / "data.feather")) == [
        {"n": 1, "s": "x", "l": None},
        {"n": None, "s": None, "l": None},
    ]


def test_a_query_gives_its_rows_and_its_address_is_in_no_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "bank.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT, c REAL)")
        connection.execute("INSERT INTO t VALUES (1, 'x', NULL), (2, 'a,\"b', 1.5)")
    monkeypatch.setenv("BANK", f"sqlite:///{tmp_path}/bank.sqlite")
    rows = [{"a": "1", "b": "x", "c": None}, {"a": "2", "b": 'a,"b', "c": "1.5"}]
    assert list(read_rows(Query("SELECT * FROM t ORDER BY a", "BANK"))) == rows
    for sql, told in (("SELECT * FROM missing", "no such table"), ("DROP TABLE t", "may only read")):
        with pytest.raises(DataQueryInvalid, match=told):
            list(read_rows(Query(sql, "BANK")))
    with pytest.raises(DataQueryInvalid, match="readonly"):
        list(read_rows(Query("WITH x AS (SELECT 1) INSERT INTO t SELECT 1, 'y', 2", "BANK")))


def test_an_address_given_as_the_name_of_a_variable_is_not_repeated() -> None:
    with pytest.raises(DataQueryInvalid) as refused:
        list(read_rows(Query("SELECT 1", "postgresql://me:secret@host/db")))
    assert "secret" not in str(refused.value)


def test_columns_hold_what_the_rows_held(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("n,s,y\n1,x,a\n,NA,b\n3,x,\n2,z,a\n")
    columns = read_columns(file, lambda raw: {**raw, "n": raw["n"] and float(raw["n"])}, ["n", "s"], target="y")
    taken, labels = columns.take([2, 0])
    assert ([*taken["n"]], [*taken["s"]], labels) == ([2.0, 1.0], ["z", "x"], ["a", "a"])
    assert columns.column("s")[1] is None


def test_a_sample_is_bounded_by_cells(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("a,b\n" + "".join(f"{i},{i}\n" for i in range(1000)))
    with reading(file) as data:
        sample = list(data.tuples(cells=100))
    assert len(sample) == 50
    assert sample == sorted(sample, key=lambda row: int(row[0]))

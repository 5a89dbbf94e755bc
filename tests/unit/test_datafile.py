"""Data files as they are found in the world: encodings, separators, spellings, and what is no table at all."""

import gzip
from pathlib import Path

import duckdb
import pytest

from andon.datafile import DataFileInvalid, read_rows, reading

CSVS = {
    "plain": (b"a,b\n1,x\n", [{"a": "1", "b": "x"}]),
    "no line end at the end": (b"a,b\n1,x", [{"a": "1", "b": "x"}]),
    "byte order mark": (b"\xef\xbb\xbfa,b\n1,x\n", [{"a": "1", "b": "x"}]),
    "UTF-16": ("a,b\n1,é\n".encode("utf-16"), [{"a": "1", "b": "é"}]),
    "Latin-1": ("a;b\n1;Müller\n".encode("latin-1"), [{"a": "1", "b": "Müller"}]),
    "Windows-1252": ("a;b\n1;5€\n".encode("cp1252"), [{"a": "1", "b": "5€"}]),
    "semicolons and decimal commas": (b"a;b\n1,5;x\n2,5;y\n", [{"a": "1,5", "b": "x"}, {"a": "2,5", "b": "y"}]),
    "tabs": (b"a\tb\n1\tx, y\n", [{"a": "1", "b": "x, y"}]),
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
    "a quote in a name": (b'"a""b\'c",d\n1,2\n', [{"a\"b'c": "1", "d": "2"}]),
}

NO_TABLES = {
    "an Excel workbook": (b"PK\x03\x04rest", "Excel workbook; save the table in it as CSV"),
    "a gzip file": (gzip.compress(b"a,b\n"), "compressed with gzip"),
    "JSON": (b'[{"a": 1}]', "looks like JSON"),
    "JSON in lines": (b'{"a": 1}\n{"a": 2}\n', "looks like JSON"),
    "JSON over many lines": (b'\xef\xbb\xbf[\n  {\n    "a": 1\n  }\n]\n', "looks like JSON"),
    "JSON without names": (b"[[1, 2], [3, 4]]", "looks like JSON"),
    "XML": (b'<?xml version="1.0"?>\n<rows/>', "JSON or XML"),
    "XML that does not say so": (b"<rows>\n  <row>1</row>\n</rows>\n", "JSON or XML"),
    "an element with attributes": (b'<rows count="1">', "JSON or XML"),
    "a web page": (b"<!DOCTYPE html>\n<html></html>", "JSON or XML"),
    "binary": (b"a,b\n1,\x00\x01\n", "binary data"),
    "nothing": (b"", "is empty"),
    "blanks": (b" \n\n", "is empty"),
    "ragged": (b"a,b,c\n1,2,3\n4,5\n", "line 3: 3 values are expected, there are 2"),
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
        f"COPY (SELECT 1::TINYINT AS i, 1.5::DECIMAL(9,2) AS d, true AS b, 'NA' AS t, 'nan'::FLOAT AS f, DATE '2024-02-03' AS day,"
        " TIMESTAMP '2024-02-03 04:05:06.5' AS at, TIMESTAMPTZ '2024-02-03 04:05:06+02' AS zoned, [1, 2] AS l, 'x'::BLOB AS x,"
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

"""Rows out of files: lines of JSON as they stand, tables as JSON, what is kept of each."""

import gzip
import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.datafile import DataFileInvalid
from andon.scoring import ColumnMissing, Fetched, SourceRow, digest_of, fetch, opened, sources

VALUES = st.dictionaries(
    st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=8), max_size=4
)


def rows_of(path: Path, wanted: list[str] | None = None, keep: list[str] | None = None) -> list[SourceRow]:
    with opened(path, wanted or [], keep or []) as rows:
        found = list(rows)
        assert rows.count() == len(found)
        return found


def test_each_line_is_a_row_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\n   \n {"a":"x"}\nnot JSON\n{"a": 3}')
    assert [row.raw for row in rows_of(file)] == [b'{"a": 1}', b'{"a":"x"}', b"not JSON", b'{"a": 3}']


@given(st.lists(VALUES, max_size=6))
def test_any_documents_come_back(tmp_path_factory: pytest.TempPathFactory, values: list[dict[str, Any]]) -> None:
    file = tmp_path_factory.mktemp("lines") / "rows.jsonl"
    file.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    assert [json.loads(row.raw or b"") for row in rows_of(file)] == values


def test_a_line_that_is_too_long_is_a_row_with_a_reason_and_costs_no_other_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "LINE_BYTES", 20)
    file = tmp_path / "rows.ndjson"
    file.write_bytes(b'{"a": 1}\n' + b"x" * 75 + b'\n{"a": 2}\n')
    first, long, last = rows_of(file)
    assert (first.raw, long.raw, last.raw) == (b'{"a": 1}', None, b'{"a": 2}')
    assert "longer than" in (long.error or "")


def test_a_file_that_begins_with_a_document_is_lines_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "rows.txt"
    file.write_text('{"a": 1}\n{"a": 2}\n')
    assert len(rows_of(file)) == 2


def test_of_a_table_the_contract_gets_its_columns_and_the_output_what_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("id,amount,note\n7,1.5,hello\n8,,\n")
    with opened(file, ["amount"], ["id", "note"]) as rows:
        assert rows.left_out == ["id", "note"]
        assert list(rows) == [
            SourceRow(b'{"amount":"1.5"}', ("7", "hello")),
            SourceRow(b'{"amount":null}', ("8", None)),
        ]


def test_what_is_kept_of_a_line_is_text_or_json(tmp_path: Path) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_text('{"id": 7, "tags": ["a"], "name": "x"}\n[1]\nbroken\n')
    kept = [row.kept for row in rows_of(file, keep=["id", "tags", "name"])]
    assert kept == [("7", '["a"]', "x"), (None, None, None), (None, None, None)]


def test_a_column_to_keep_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("id,amount\n7,1.5\n")
    with pytest.raises(ColumnMissing, match=r"'ident'.*id, amount"), opened(file, ["amount"], ["ident"]):
        pass


def test_the_digest_is_that_of_the_bytes_and_tells_how_far_it_is(tmp_path: Path) -> None:
    file, seen = tmp_path / "rows.csv", list[int]()
    file.write_bytes(b"x" * (sources._CHUNK + 5))
    assert digest_of(file, seen.append) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert sum(seen) == sources._CHUNK + 5


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataFileInvalid, match="There is no file"):
        digest_of(tmp_path / "none.csv", lambda _: None)
    with pytest.raises(DataFileInvalid, match="is a folder"):
        digest_of(tmp_path, lambda _: None)


def test_an_array_gives_its_elements_as_they_stand_also_compressed(tmp_path: Path) -> None:
    file = tmp_path / "rows.json.gz"
    file.write_bytes(gzip.compress(b'[{"a": 1.50, "b": [1]},\n  {"a":"x"} ]'))
    assert [(row.raw, row.kept) for row in rows_of(file, keep=["a"])] == [
        (b'{"a": 1.50, "b": [1]}', ("1.5",)),
        (b'{"a":"x"}', ("x",)),
    ]


def test_compressed_lines_stand_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"a": 1}\nnot JSON\n'))
    assert [row.raw for row in rows_of(file)] == [b'{"a": 1}', b"not JSON"]


def test_a_table_is_read_below_the_header_that_is_asked_for_and_says_how(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("Report of May\na,b,c\n1,2,3\n")
    with opened(file, ["a", "b", "c"], []) as rows:
        assert [row.raw for row in rows] == [b'{"a":"1","b":"2","c":"3"}']
        assert "line 2 is read as the header" in rows.notices[0]


def test_a_query_on_another_database_is_taken_once(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bank.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT, c REAL)")
        connection.execute("INSERT INTO t VALUES (1, 'x\ty', NULL), (2, 'z', 1.5)")
    url, into = f"sqlite:///{tmp_path}/bank.sqlite", tmp_path / "rows"
    left_out = fetch(url, "SELECT * FROM t ORDER BY a", ["a", "b"], ["b"], into, lambda _: None)
    assert left_out == ["c"]
    assert list(Fetched(into)) == [
        SourceRow(b'{"a":1,"b":"x\\ty"}', ("x\ty",)),
        SourceRow(b'{"a":2,"b":"z"}', ("z",)),
    ]
    assert into.stat().st_mode & 0o077 == 0

"""The formats in which `onboarding` writes the rows of a table: each returns the source that `andon init` reads."""

import csv
import gzip
import io
import json
import sqlite3
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from xml.sax.saxutils import escape

import duckdb

from andon.datafile import Query, Source

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

URL_VARIABLE = "ONBOARDING_URL"

_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"

Rows: TypeAlias = Sequence[Sequence[Any]]
Write: TypeAlias = Callable[[Path, Sequence[str], Rows], Source]
"""A writer takes a path without an ending, the names of the columns, and the rows."""


def as_csv(
    stem: Path,
    names: Sequence[str],
    rows: Rows,
    *,
    separator: str = ",",
    encoding: str = "utf-8",
    above: Sequence[str] = (),
    below: str = "",
) -> Path:
    """Write a CSV file, with lines above its header or below its last row."""
    file = stem.with_suffix(".csv")
    file.write_bytes(_csv_text(names, rows, separator, above, below).encode(encoding))
    return file


def german(stem: Path, names: Sequence[str], rows: Rows) -> Path:
    """Write a CSV file like a German Excel."""
    return as_csv(stem, names, rows, separator=";", encoding="cp1252")


def with_preamble(stem: Path, names: Sequence[str], rows: Rows) -> Path:
    """Write a CSV file with lines of an exporting program on top."""
    return as_csv(stem, names, rows, above=("Report of loans", "Exported 2026-01-05 by core banking", ""))


def with_blank_end(stem: Path, names: Sequence[str], rows: Rows) -> Path:
    """Write a CSV file whose last row is empty but for its commas."""
    return as_csv(stem, names, rows, below="," * (len(names) - 1) + "\r\n")


def gzipped(stem: Path, names: Sequence[str], rows: Rows) -> Path:
    """Write a CSV file in gzip."""
    file = stem.with_suffix(".csv.gz")
    file.write_bytes(gzip.compress(_csv_text(names, rows).encode(), 1))
    return file


def zstandard(stem: Path, names: Sequence[str], rows: Rows) -> Path:
    """Write a CSV file in Zstandard."""
    file = stem.with_suffix(".csv.zst")
    file.write_bytes(zstd.compress(_csv_text(names, rows).encode()))
    return file


def zipped(stem: Path, names: Sequence[str], rows: Rows) -> Path:
    """Write a CSV file in a ZIP archive."""
    file = stem.with_suffix(".zip")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", _csv_text(names, rows))
    return file


def json_lines(stem: Path, names: Sequence[str], rows: Rows) -> Path:
    """Write one object per line."""
    file = stem.with_suffix(".jsonl")
    file.write_text("".join(json.dumps(dict(zip(names, row, strict=True)), default=str) + "\n" for row in rows))
    return file


def json_array(stem: Path, names: Sequence[str], rows: Rows) -> Path:
    """Write one array of objects."""
    file = stem.with_suffix(".json")
    file.write_text(json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str))
    return file


def parquet(stem: Path, names: Sequence[str], rows: Rows) -> Path:
    """Write a Parquet file, with the types that its values have."""
    file, lines = stem.with_suffix(".parquet"), json_lines(stem, names, rows)
    duckdb.connect().execute(f"COPY (SELECT * FROM read_json('{lines}')) TO '{file}'")
    lines.unlink()
    return file


def workbook(stem: Path, names: Sequence[str], rows: Rows) -> Path:
    """Write an Excel workbook of one sheet."""
    file = stem.with_suffix(".xlsx")
    sheet = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in (names, *rows))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": _related("officeDocument", "xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": _related("worksheet", "worksheets/sheet1.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_RELATED}"><sheets>'
        '<sheet name="Loans" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_SHEETS}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return file


def sqlite_query(stem: Path, names: Sequence[str], rows: Rows) -> Query:
    """Write a table of an SQLite database, which a query then reads."""
    quoted = ", ".join(f'"{name}"' for name in names)
    with sqlite3.connect(stem.parent / "rows.sqlite") as connection:
        connection.execute(f"CREATE TABLE {stem.name} ({quoted})")
        connection.executemany(f"INSERT INTO {stem.name} VALUES ({', '.join('?' * len(names))})", rows)
    connection.close()
    return Query(f"SELECT * FROM {stem.name}", URL_VARIABLE)


def _csv_text(
    names: Sequence[str], rows: Rows, separator: str = ",", above: Sequence[str] = (), below: str = ""
) -> str:
    text = io.StringIO()
    table = csv.writer(text, delimiter=separator)
    text.write("".join(f"{line}\r\n" for line in above))
    table.writerow(names)
    table.writerows(rows)
    return text.getvalue() + below


def _related(kind: str, target: str) -> str:
    one = f'<Relationship Id="r1" Type="{_RELATED}/{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{one}</Relationships>'


def _cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'

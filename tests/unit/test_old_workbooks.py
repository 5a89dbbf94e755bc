"""Workbooks of Excel 97 to 2003 and of OpenDocument, written here byte by byte: nothing installed writes `.xls`."""

import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TypeAlias

import pytest

from andon.datafile import DataFileInvalid, read_rows, reading

Cell: TypeAlias = str | float | bool | date
Sheets: TypeAlias = Mapping[str, Sequence[Sequence[Cell]]]

_SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_EPOCH = date(1899, 12, 30)
_DATED = 1
"""The second cell format of the `.xls` files here; it shows a number as a date."""


def xls(file: Path, sheets: Sheets) -> Path:
    """Write a BIFF8 workbook in a compound file: header, allocation table, directory, then the workbook's stream."""
    stream = _workbook(sheets)
    stream += bytes(-len(stream) % _SECTOR if len(stream) >= 4096 else 4096 - len(stream))
    count = len(stream) // _SECTOR
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0, 0) + struct.pack("<I", _FREE) * 108
    chain = [_FAT, _END, *range(3, count + 2), _END]
    table = struct.pack(f"<{_SECTOR // 4}I", *chain, *[_FREE] * (_SECTOR // 4 - len(chain)))
    root = _entry("Root Entry", kind=5, child=1, first=_END, size=0)
    folder = root + _entry("Workbook", kind=2, child=_FREE, first=2, size=len(stream)) + _entry("", 0, _FREE, 0, 0) * 2
    file.write_bytes(header + table + folder + stream)
    return file


def _entry(name: str, kind: int, child: int, first: int, size: int) -> bytes:
    coded = f"{name}\0".encode("utf-16-le") if name else b""
    tree = struct.pack("<HBBIII", len(coded), kind, 1, _FREE, _FREE, child)
    return coded.ljust(64, b"\0") + tree + bytes(36) + struct.pack("<IQ", first, size)


def _workbook(sheets: Sheets) -> bytes:
    bodies = [_sheet(rows) for rows in sheets.values()]
    formats = b"".join(_record(0xE0, struct.pack("<HH16x", 0, shown)) for shown in (0, 14))
    start = _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + formats
    at = len(start) + sum(12 + len(name) for name in sheets) + 4
    named = b""
    for name, body in zip(sheets, bodies, strict=True):
        named += _record(0x85, struct.pack("<IHBB", at, 0, len(name), 0) + name.encode("latin-1"))
        at += len(body)
    return start + named + _record(0x0A, b"") + b"".join(bodies)


def _sheet(rows: Sequence[Sequence[Cell]]) -> bytes:
    width = max(len(row) for row in rows)
    start = _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    size = _record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    cells = b"".join(_cell(i, j, value) for i, row in enumerate(rows) for j, value in enumerate(row) if value != "")
    return start + size + cells + _record(0x0A, b"")


def _cell(row: int, column: int, value: Cell) -> bytes:
    match value:
        case bool():
            return _record(0x205, struct.pack("<HHHBB", row, column, 0, value, 0))
        case str():
            text = value.encode("utf-16-le")
            return _record(0x204, struct.pack("<HHHHB", row, column, 0, len(text) // 2, 1) + text)
        case date():
            return _record(0x203, struct.pack("<HHHd", row, column, _DATED, (value - _EPOCH).days))
        case _:
            return _record(0x203, struct.pack("<HHHd", row, column, 0, value))


def _record(number: int, data: bytes) -> bytes:
    return struct.pack("<HH", number, len(data)) + data


def ods(file: Path, sheets: Sheets) -> Path:
    """Write an OpenDocument spreadsheet: its media type first, unpacked, then one document of all sheets."""
    spaces = "".join(
        f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    tables = "".join(
        f'<table:table table:name="{name}">{"".join(map(_ods_row, rows))}</table:table>'
        for name, rows in sheets.items()
    )
    body = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    listed = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr(
            "META-INF/manifest.xml",
            f'<m:manifest xmlns:m="{listed}"><m:file-entry m:full-path="/" m:media-type="{kind}"/></m:manifest>',
        )
        archive.writestr("content.xml", f"<office:document-content{spaces}>{body}</office:document-content>")
    return file


def _ods_row(row: Sequence[Cell]) -> str:
    return f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>"


def _ods_cell(value: Cell) -> str:
    match value:
        case "":
            return "<table:table-cell/>"
        case bool():
            kind, text = f'boolean" office:boolean-value="{str(value).lower()}', str(value).upper()
        case str():
            kind, text = "string", value
        case date():
            kind, text = f'date" office:date-value="{value.isoformat()}', f"{value:%d/%m/%Y}"
        case _:
            kind, text = f'float" office:value="{value!r}', str(value)
    return f'<table:table-cell office:value-type="{kind}"><text:p>{text}</text:p></table:table-cell>'


SHEETS: Sheets = {
    "May": [
        ["Payments of May"],
        [],
        ["id", "amount", "city", "paid on", "late"],
        [1.0, 2.5, "Köln", date(2026, 5, 3), True],
        [2.0, 3.0, "", date(2026, 5, 31), False],
    ],
    "June": [["x", "y"], [7.0, 8.25]],
}

WRITERS = pytest.mark.parametrize(("write", "ending"), [(xls, "xls"), (ods, "ods")], ids=["xls", "ods"])


@WRITERS
def test_the_first_sheet_is_read_with_its_numbers_texts_and_dates(
    tmp_path: Path, write: Callable[[Path, Sheets], Path], ending: str
) -> None:
    with reading(write(tmp_path / f"data.{ending}", SHEETS)) as data:
        assert [{name: str(value) for name, value in row.items() if value is not None} for row in data.rows()] == [
            {"id": "1", "amount": "2.5", "city": "Köln", "paid on": "2026-05-03", "late": "true"},
            {"id": "2", "amount": "3", "paid on": "2026-05-31", "late": "false"},
        ]
        assert "the first of 2 sheets was read, 'May' (--sheet names another)" in data.notices[0]


@WRITERS
def test_another_sheet_is_read_by_its_name(tmp_path: Path, write: Callable[[Path, Sheets], Path], ending: str) -> None:
    file = write(tmp_path / f"data.{ending}", SHEETS)
    assert list(read_rows(file, sheet="June")) == [{"x": "7", "y": "8.25"}]
    with pytest.raises(DataFileInvalid, match="no sheet 'July'; it has May, June"):
        list(read_rows(file, sheet="July"))


def test_a_compound_file_without_a_workbook_is_refused(tmp_path: Path) -> None:
    file = xls(tmp_path / "letter.xls", SHEETS)
    file.write_bytes(file.read_bytes().replace("Workbook".encode("utf-16-le"), "WordDocu".encode("utf-16-le")))
    with pytest.raises(DataFileInvalid, match="cannot be read as a workbook"):
        list(read_rows(file))

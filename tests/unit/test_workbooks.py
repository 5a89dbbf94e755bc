"""Workbooks, made here as the smallest that Excel would open."""

import zipfile
from pathlib import Path

import pytest

from andon.datafile import DataFileInvalid, read_rows, reading

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook(file: Path, **sheets: str) -> Path:
    """Write a workbook of sheets given as the XML of their rows."""
    names = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>' for i, name in enumerate(sheets, 1))
    related = "".join(
        f'<Relationship Id="r{i}" Type="{_RELATED}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "[Content_Types].xml", '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
        )
        main = f'<Relationship Id="r" Type="{_RELATED}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}">{main}</Relationships>')
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATED}"><sheets>{names}</sheets></workbook>'
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{related}</Relationships>')
        for i, rows in enumerate(sheets.values(), 1):
            archive.writestr(
                f"xl/worksheets/sheet{i}.xml", f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'
            )
    return file


def cell(at: str, value: str | float) -> str:
    if isinstance(value, str):
        return f'<c r="{at}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{at}"><v>{value}</v></c>'


def row(number: int, *values: str | float) -> str:
    cells = "".join(cell(f"{'ABCDEFGH'[i]}{number}", value) for i, value in enumerate(values))
    return f'<row r="{number}">{cells}</row>'


def test_the_first_sheet_is_read_below_its_title_and_others_are_named(tmp_path: Path) -> None:
    first = row(1, "Payments of May") + row(3, "id", "amount", "class") + row(4, 1.0, 2.5, "a") + row(5, 2.0, 3.0, "b")
    file = workbook(tmp_path / "data.xlsx", May=first, June=row(1, "x", "y") + row(2, 7.0, 8.0))
    with reading(file) as data:
        assert list(data.rows()) == [
            {"id": "1", "amount": "2.5", "class": "a"},
            {"id": "2", "amount": "3", "class": "b"},
        ]
        assert "the first of 2 sheets was read, 'May'" in data.notices[0]
    assert list(read_rows(file, sheet="June")) == [{"x": "7", "y": "8"}]
    with pytest.raises(DataFileInvalid, match="no sheet 'July'; it has May, June"):
        list(read_rows(file, sheet="July"))


def test_a_workbook_that_claims_the_whole_sheet_is_refused_within_its_memory(tmp_path: Path) -> None:
    rows = f'<row r="1">{cell("A1", "a")}</row><row r="1048576">{cell("XFD1048576", 1.0)}</row>'
    with pytest.raises(DataFileInvalid, match="needs more than 2 GB of memory or is damaged"):
        list(read_rows(workbook(tmp_path / "bomb.xlsx", Sheet1=rows)))


def test_columns_that_are_empty_to_the_edge_of_the_sheet_are_none(tmp_path: Path) -> None:
    rows = f'<row r="1">{cell("A1", "a")}{cell("B1", "b")}<c r="XFD1"/></row>' + row(2, 1.0, 2.0)
    assert list(read_rows(workbook(tmp_path / "wide.xlsx", Sheet1=rows))) == [{"a": "1", "b": "2"}]

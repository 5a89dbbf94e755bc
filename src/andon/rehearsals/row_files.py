"""Files of invented rows in a format that `andon decide` reads, by their ending. A file appears whole or not at all."""

import csv
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from pydantic_core import to_json

from andon.rehearsals.contract_fields import ContractField, FieldKind
from andon.rehearsals.errors import RowsFileInvalid

LINES = (".ndjson", ".jsonl")
TABLES = (".csv", ".parquet")

_TYPES = {
    FieldKind.NUMBER: "DOUBLE",
    FieldKind.INTEGER: "BIGINT",
    FieldKind.BOOLEAN: "BOOLEAN",
}
"""The types of columns in Parquet; all others are text."""


def check_rows_file(file: Path, fields: Sequence[ContractField], *, edges: bool) -> None:
    """Refuse a file that cannot be written, before rows are drawn. Raises RowsFileInvalid."""
    ending = file.suffix.lower()
    if ending not in (*LINES, *TABLES):
        raise RowsFileInvalid(f"{file} should end in .jsonl, .csv or .parquet, which says its format")
    if not file.parent.is_dir():
        raise RowsFileInvalid(f"There is no folder {file.parent} for the rows")
    if file.exists():
        raise RowsFileInvalid(f"{file} already exists; remove it, or choose another --out")
    if ending in TABLES and edges:
        raise RowsFileInvalid(f"A table like {file} cannot tell empty from missing: write .jsonl")
    nested = [one.name for one in fields if one.schema.get("type") in ("object", "array")]
    if ending in TABLES and nested:
        raise RowsFileInvalid(f"{nested[0]} holds nested values, which {file} cannot hold: write .jsonl")


def write_rows(file: Path, rows: Iterable[Mapping[str, Any]], fields: Sequence[ContractField]) -> int:
    """Write rows to a file, and return their number."""
    ending = file.suffix.lower()
    with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
        draft = Path(folder, "rows")
        whole = rows if ending in LINES else map(partial(_filled, fields=fields), rows)
        count = _csv(draft, whole, [one.name for one in fields]) if ending == ".csv" else _lines(draft, whole)
        if ending == ".parquet":
            draft = _parquet(draft, Path(folder), fields)
        draft.replace(file)
    return count


def _filled(row: Mapping[str, Any], *, fields: Sequence[ContractField]) -> dict[str, Any]:
    """Fill the missing cells of a table's row with the contract's defaults."""
    return {one.name: row.get(one.name, one.default) for one in fields}


def _lines(draft: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    with draft.open("wb") as out:
        for row in rows:
            out.write(to_json(row) + b"\n")
            count += 1
    return count


def _csv(draft: Path, rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> int:
    count = 0
    with draft.open("w", newline="", encoding="utf-8") as out:
        table = csv.writer(out)
        table.writerow(names)
        for row in rows:
            table.writerow([_cell(row.get(name)) for name in names])
            count += 1
    return count


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _parquet(lines: Path, folder: Path, fields: Sequence[ContractField]) -> Path:
    """Convert lines of JSON to a Parquet file with the types of the contract."""
    whole = folder / "rows.parquet"
    columns = {one.name: _TYPES.get(one.kind, "VARCHAR") for one in fields}
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_json($lines, format = 'newline_delimited', columns = {_struct(columns)})) "
            f"TO {_quoted(str(whole))} (FORMAT parquet)",
            {"lines": str(lines)},
        )
    return whole


def _struct(columns: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in columns.items()) + "}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""The program that reads one sheet of a workbook: `workbook_child.py WORKBOOK CSV BYTES [SHEET]`, without Andon."""

import csv
import resource
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

MOST_COLUMNS = 20_000
REFUSED = 3


def main(path: str, target: str, memory: int, wanted: str | None) -> int:
    """Write the sheet; say what is wrong, or what should be known."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(path)
        names = book.sheet_names
        if not names or (wanted is not None and wanted not in names):
            _say(f"no sheet {wanted!r}; it has {', '.join(names[:20])}" if names else "it has no sheet")
            return REFUSED
        sheet = book.get_sheet_by_name(wanted or names[0])
        if sheet.width > MOST_COLUMNS:
            _say(f"the sheet has {sheet.width:,} columns; at most {MOST_COLUMNS:,} can be read")
            return REFUSED
        _write(sheet, target)
    except CalamineError as error:
        _say(f"cannot be read as a workbook: {error}")
        return REFUSED
    if wanted is None and len(names) > 1:
        _say(f"the first of {len(names)} sheets was read, {names[0]!r} (--sheet names another)")
    return 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")


def _write(sheet: Any, target: str) -> None:
    width = 0
    for row in sheet.iter_rows():
        filled = [at for at, value in enumerate(row) if value != ""]
        width = max(width, filled[-1] + 1 if filled else 0)
    with Path(target).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in sheet.iter_rows():
            writer.writerow([_text(value) for value in row[:width]])


def _text(value: Any) -> str:
    """Return a cell as a CSV file would have it; whole numbers without a point, days without an hour."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    return str(value).replace("\0", "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else None))

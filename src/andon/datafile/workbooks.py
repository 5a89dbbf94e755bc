"""Workbooks: one sheet of an Excel or OpenDocument file as CSV, made by a process of its own within limits.

A workbook may lie about its size: a hostile one exhausts only the child, which ends.
"""

import subprocess
import sys
from pathlib import Path

from andon.datafile.errors import DataFileInvalid

MOST_MEMORY = 2 << 30
MOST_SECONDS = 600
_CHILD = Path(__file__).with_name("workbook_child.py")


def as_csv(name: object, path: Path, folder: Path, sheet: str | None) -> tuple[Path, list[str]]:
    """Write a sheet, by default the first, as CSV, and return a notice if there are others. Raises DataFileInvalid."""
    copy = folder / "sheet.csv"
    try:
        ended = subprocess.run(  # noqa: S603 - our own program
            [
                sys.executable,
                "-I",
                str(_CHILD),
                str(path.resolve()),
                str(copy),
                str(MOST_MEMORY),
                *([sheet] if sheet else []),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=MOST_SECONDS,
            env={},
        )
    except subprocess.TimeoutExpired as error:
        raise DataFileInvalid(f"{name} could not be read within {MOST_SECONDS} s; save the sheet as CSV") from error
    said = ended.stdout.strip()
    if ended.returncode == 3:
        raise DataFileInvalid(f"{name}: {said}")
    if ended.returncode != 0:
        raise DataFileInvalid(
            f"{name} cannot be read as a workbook: it needs more than {MOST_MEMORY >> 30} GB of memory or is damaged; "
            "save the sheet as CSV"
        )
    return copy, said.splitlines()

"""Small CSV files by columns, and their plans."""

import csv
from collections.abc import Sequence
from pathlib import Path

from andon.scaffold import Column, Plan
from andon.scaffold.planning import Options, plan


def write(folder: Path, columns: dict[str, list[str]]) -> Path:
    """Write a CSV file of these columns."""
    source = folder / "data.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])
    return source


def plan_of(
    source: Path,
    target: str = "y",
    time: str | None = None,
    positive: str | None = None,
    keep: Sequence[str] = (),
    windows: bool | None = None,
) -> Plan:
    """Return what is learnt from the file."""
    options = Options(keep=tuple(keep), windows=windows)
    return plan("line", source, target_name=target, time_name=time, positive=positive, options=options)


def column(plan: Plan, name: str) -> Column:
    """Return the column of this name."""
    return next(column for column in plan.columns if column.name == name)

"""The page "Report what turned out to be true" names every field, source, format and limit."""

import re
from pathlib import Path

from andon.cli import label_file
from andon.gateway.batch import JSON, NDJSON
from andon.gateway.label_rows import CSV, MOST
from andon.labels import FIELDS, Fate
from andon.labels.reports import REPORTED
from andon.labels.settling import MOST_OF_ONE

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "report-labels.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`(.+?)`", PAGE))


def test_every_field_source_and_format_is_named() -> None:
    assert {*FIELDS, *label_file.BESIDE, *(source.value for source in REPORTED), JSON, NDJSON, CSV} <= NAMED
    assert all(f'"{fate.value}"' in PAGE for fate in Fate)


def test_the_limits_are_those_that_hold() -> None:
    assert f"Up to {MOST:,} rows" in PAGE
    assert ("two thousand rows" in PAGE, label_file.ROWS) == (True, 2_000)
    assert ("a hundred different rows" in PAGE, MOST_OF_ONE) == (True, 100)

"""The page "Decide a file" names every column of the output, every ending and every option."""

import re
from pathlib import Path

from typer.testing import CliRunner

from andon.cli import app
from andon.scoring import COLUMNS, ENDINGS, PART_ROWS

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "decide-files.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`(.+?)`", PAGE))


def test_every_column_is_explained() -> None:
    assert set(COLUMNS) <= NAMED


def test_every_ending_and_option_is_named() -> None:
    assert set(ENDINGS) <= {*NAMED}
    options = set(re.findall(r"--[a-z-]+", CliRunner(env={"COLUMNS": "200"}).invoke(app, ["decide", "--help"]).stdout))
    assert options - {"--help", "--automation"} <= set(re.findall(r"--[a-z-]+", PAGE))


def test_the_size_of_a_part_is_the_one_it_has() -> None:
    assert "two thousand are held" in PAGE
    assert PART_ROWS == 2_000

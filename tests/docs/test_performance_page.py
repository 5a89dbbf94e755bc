"""Measured figures stand on one page, in one table with their commands; guides say what to do and what to expect."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGE = DOCS / "explain" / "performance.md"
ROWS = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]

NOTES = re.compile(
    r"\btwo (busy )?cores\b|\bmedians? of \d+ (turns|rounds|runs)|\bslow(er)? hours\b|µs|\bour simulation\b"
    r"|\bnewest run\b|\b[Ss]eed \d{3,}|\bwhole runs\b|\b\d+ (turns|rounds) each\b"
)
"""How a figure was come by, which belongs beside the benchmark."""


def test_the_page_has_one_table_with_a_command_in_each_row() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(re.findall(r"^\|---", text, re.MULTILINE)) == 1
    assert len(ROWS) == len(re.findall(r"^\|", text, re.MULTILINE)) - 2
    assert {row[1].strip()[:14] for row in ROWS} == {"`script/bench "}


@pytest.mark.parametrize("name", sorted({row[1].split()[1].strip("`") for row in ROWS}))
def test_every_command_of_the_table_exists(name: str) -> None:
    assert (ROOT / "benchmarks" / f"{name}.py").is_file()


@pytest.mark.parametrize(
    "page",
    [
        page
        for folder in ("how-to", "explain", "tutorial")
        for page in sorted((DOCS / folder).glob("*.md"))
        if page != PAGE
    ],
    ids=lambda page: f"{page.parent.name}/{page.stem}",
)
def test_a_guide_holds_no_lab_notes(page: Path) -> None:
    assert [found[0] for found in NOTES.finditer(page.read_text(encoding="utf-8"))] == []

"""The decisions about the architecture: each a page with the same parts, each in the index with its quotable line."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "adr"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))


def test_they_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in PAGES] == list(range(1, len(PAGES) + 1))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_record_has_all_parts_and_one_quotable_line(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.match(rf"# {int(page.name[:4])}\. .+\n\n\w+, \w+ 20\d\d\.\n", text)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "Alternatives"]
    assert len(re.findall(r"^> ", text, re.MULTILINE)) == 1
    assert len(text.splitlines()) <= 60


def test_the_index_quotes_each_record() -> None:
    rows = []
    for page in PAGES:
        title, quoted = re.findall(r"^(?:# |> )(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        rows.append(f"| [{title}]({page.name}) | {quoted} |")
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [line for line in index.splitlines() if line.startswith("| [")] == rows

"""`script/docs`: the site holds every page, works without a network, and a link that leads nowhere fails."""

import json
import subprocess
from pathlib import Path

import pytest
from script.site import FolderTaken, build
from script.site.checking import Fault, faults_of
from script.site.staging import pages_of, stage

ROOT = Path(__file__).parents[2]


def a_checkout(folder: Path, **pages: str) -> Path:
    """Make a repository with these pages in its documentation."""
    (folder / "docs").mkdir(parents=True)
    for name, text in pages.items():
        (folder / "docs" / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / "README.md").write_text("# Start\n\n[On](docs/one.md)\n", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Fault]]:
    """Build a site of two pages with a link that holds, one to no page and one to no anchor."""
    scratch = tmp_path_factory.mktemp("site")
    text = "# One\n\n## Here\n\n[a](two.md#there), [b](none.md), [c](two.md#nowhere), [d](#here)\n"
    checkout = a_checkout(scratch / "checkout", one=text, two="# Two\n\n## There\n")
    (scratch / "work").mkdir()
    return scratch / "site", build(checkout, scratch / "site", scratch / "work")


def test_a_link_to_no_page_and_one_to_no_anchor_are_found_and_no_others(built: tuple[Path, list[Fault]]) -> None:
    found = {(fault.page, fault.reason) for fault in built[1]}
    assert found == {("docs/one.html", "no such page or file"), ("docs/one.html", "no such anchor")}
    assert len(built[1]) == 2


def test_every_page_can_be_found_by_the_search(built: tuple[Path, list[Fault]]) -> None:
    items = json.loads((built[0] / "search.json").read_text(encoding="utf-8"))["items"]
    assert {item["title"] for item in items} >= {"Start", "One", "Two"}


def test_pages_load_the_worker_of_the_search_from_the_site_itself(built: tuple[Path, list[Fault]]) -> None:
    assert (built[0] / "assets" / "worker.js").is_file()
    assert "../assets/worker.js" in (built[0] / "docs" / "one.html").read_text(encoding="utf-8")


def test_what_a_page_loads_from_another_host_is_a_fault(tmp_path: Path) -> None:
    link, script = '<a href="https://example.com/">', '<script src="https://example.com/x.js"></script>'
    (tmp_path / "a.html").write_text(link + script, encoding="utf-8")
    assert faults_of(tmp_path) == [Fault("a.html", "https://example.com/x.js", "is loaded from another host")]


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FolderTaken, match="not an earlier site"):
        build(ROOT, tmp_path, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_the_pages_of_this_repository_are_staged_with_what_they_show(tmp_path: Path) -> None:
    stage(ROOT, tmp_path)
    assert {page.relative_to(ROOT) for page in pages_of(ROOT)} == {
        page.relative_to(tmp_path) for page in tmp_path.rglob("*.md")
    }
    assert (tmp_path / "docs" / "images" / "overview.png").is_file()

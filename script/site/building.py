"""Zensical's part of the site: its configuration with the navigation, and the run of its program."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

FIRST = ("README.md", "docs/README.md", "docs/contents.md")
SECTIONS = (
    ("Tutorial", "docs/tutorial"),
    ("How to", "docs/how-to"),
    ("Reference", "docs/reference"),
    ("Explanation", "docs/explain"),
    ("Decisions", "docs/adr"),
)
"""The folders of the documentation in the order of the navigation."""

CONFIGURATION = """[project]
site_name = "Andon"
docs_dir = {pages}
site_dir = "site"
use_directory_urls = false
copyright = "Apache-2.0"
nav = [
{nav}
]

[project.theme]
language = "en"
font = false
features = ["navigation.indexes", "navigation.top", "search.highlight", "content.code.copy"]

[project.extra]
generator = false

[project.plugins.offline]

[project.plugins.search]
"""
"""No font from another host, no request when viewed: the search also works from a file."""


FOREIGN_WORKER = re.compile(r"https://unpkg\.com/iframe-worker/shim")
"""The only file that Zensical's pages would load from another host; `worker.js` replaces it."""
WORKER = Path(__file__).with_name("worker.js")


class BuildFailed(Exception):
    """Zensical did not build the site; the message holds its output."""


def build_with_zensical(pages: Path, scratch: Path) -> Path:
    """Write the site of `pages` into a folder below `scratch` and return it. Raises BuildFailed."""
    folder, file = scratch / "site", scratch / "zensical.toml"
    nav = ",\n".join(f"  {entry}" for entry in navigation(pages))
    text = CONFIGURATION.format(pages=json.dumps(pages.relative_to(scratch).as_posix()), nav=nav)
    file.write_text(text, encoding="utf-8")
    program = Path(sys.executable).with_name("zensical")
    command = [program, "build", "--config-file", file]
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildFailed(f"{done.stdout}\n{done.stderr}".strip())
    _bring_worker(folder)
    return folder


def _bring_worker(folder: Path) -> None:
    """Put our own worker for files into the site, and have each page load that one."""
    shutil.copyfile(WORKER, folder / "assets" / WORKER.name)
    for page in folder.rglob("*.html"):
        up = "../" * (len(page.relative_to(folder).parts) - 1)
        text = page.read_text(encoding="utf-8")
        page.write_text(FOREIGN_WORKER.sub(f"{up}assets/{WORKER.name}", text), encoding="utf-8")


def navigation(pages: Path) -> list[str]:
    """Return the entries of the navigation as TOML: single pages, and a section for each documentation folder."""
    first = [pages / name for name in FIRST]
    entries = _entries(pages, first)
    for title, folder in SECTIONS:
        found = sorted((pages / folder).glob("*.md"), key=lambda page: (page.name != "README.md", page.name))
        if found:
            entries.append(f"{{{json.dumps(title)} = [{', '.join(_entries(pages, found))}]}}")
    shown = {page for _, folder in SECTIONS for page in (pages / folder).glob("*.md")}
    rest = [page for page in sorted(pages.rglob("*.md")) if page not in {*shown, *first}]
    if rest:
        entries.append(f'{{"Project" = [{", ".join(_entries(pages, rest))}]}}')
    return entries


def _entries(pages: Path, files: Iterable[Path]) -> list[str]:
    return [
        f"{{{json.dumps(title_of(file))} = {json.dumps(file.relative_to(pages).as_posix())}}}"
        for file in files
        if file.exists()
    ]


def title_of(page: Path) -> str:
    """Return the first heading of a page, without its marks."""
    found = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].replace("`", "") if found else page.stem

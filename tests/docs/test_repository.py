"""Rules for every file in the repository: links work, documents are listed, nothing refers to one machine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLACES = re.compile("|".join(("/work" + "/", "/tmp" + "/brief", "/root" + "/", "/home" + "/")))
"""Places on one machine. Written in pieces, so that this file does not find itself."""
REGISTRIES = re.compile("|".join((r"pypi\.org", r"pythonhosted\.org", r"registry\.npmjs", r"--index-url http")))
MAKING = re.compile(
    "|".join((r"\bissue" + r" \d", r"shared/design", r"\bchat" + r"bot\b", r"\bprompt" + r"ed\b")), re.IGNORECASE
)


def tracked(*patterns: str) -> list[Path]:
    """Return the files of the repository, including new ones that are not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def text_of(file: Path) -> str:
    return file.read_bytes().decode("utf-8", errors="replace")


def anchors_of(page: Path) -> set[str]:
    """Return the headings of a page as anchors, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text_of(page), flags=re.DOTALL)
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            dead.append(link)
    assert dead == []


def test_every_document_is_in_the_index() -> None:
    index = text_of(ROOT / "docs" / "contents.md")
    linked = {(ROOT / "docs" / link).resolve() for link in re.findall(r"\]\(([^)#]+)", index)}
    documents = {page for page in tracked("docs/*.md") if page.parent.name != "adr"} - {
        ROOT / "docs" / "README.md",
        ROOT / "docs" / "contents.md",
    }
    assert documents - linked == set()


@pytest.mark.parametrize("told", [PLACES, REGISTRIES, MAKING], ids=["places", "registries", "its making"])
def test_no_file_tells_of_one_machine_or_how_it_was_made(told: re.Pattern[str]) -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in tracked()
        if file != Path(__file__)
        for match in told.finditer(text_of(file))
    ]
    assert found == []

"""The source of the site: every page of the repository at its own path, and the files that pages link to."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

LEFT_OUT = ("tests/",)
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s#]+)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def stage(root: Path, into: Path) -> Path:
    """Copy the pages of `root` and the files they show or link to; links keep working because paths stay the same."""
    for page in pages_of(root):
        for file in (page, *_linked(root, page)):
            target = into / file.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    return into


def pages_of(root: Path) -> list[Path]:
    """Return all Markdown files of a checkout, new ones too, except those of the tests."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    names = sorted(name for name in listed.split("\0") if name and not name.startswith(LEFT_OUT))
    return [root / name for name in names if (root / name).is_file()]


def _linked(root: Path, page: Path) -> Iterator[Path]:
    """Yield the files other than pages that a page links to; broken links are found in the built site."""
    for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        file = (page.parent / link).resolve()
        if file.suffix != ".md" and file.is_file() and file.is_relative_to(root.resolve()):
            yield root / file.relative_to(root.resolve())

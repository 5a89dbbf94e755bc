"""The documentation as a site: pages staged from the repository, built by Zensical, and checked link by link."""

import shutil
from pathlib import Path

from script.site.building import build_with_zensical
from script.site.checking import Fault, faults_of
from script.site.staging import stage

ROOT = Path(__file__).parents[2]

PROOF = "404.html"
"""A file in every site, by which an earlier site is recognised."""

__all__ = ["ROOT", "Fault", "FolderTaken", "build"]


class FolderTaken(Exception):
    """The folder holds files that are not an earlier site."""


def build(source: Path, folder: Path, scratch: Path) -> list[Fault]:
    """Build the site of the repository at `source` into `folder`; return its faults. Raises FolderTaken."""
    if folder.exists() and any(folder.iterdir()) and not (folder / PROOF).exists():
        raise FolderTaken(f"{folder} holds files that are not an earlier site: name another folder")
    built = build_with_zensical(stage(source, scratch / "pages"), scratch)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(built, folder)
    return faults_of(folder)

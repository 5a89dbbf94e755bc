"""What we depend on is written down with its reason, is under a licence we may use, and stays small."""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

PERMISSIVE = re.compile(r"\b(0BSD|Apache|BSD|CC0|ISC|MIT|MIT-0|PSF|Zlib)\b|Mozilla Public License|\bMPL-2\.0\b")
RESTRICTIVE = re.compile(r"\bA?GPL|\bLGPL|GNU|Affero|\bBUSL\b|\bBSL\b|Business Source|\bSSPL\b|Commons Clause|Elastic")
WEIGHED = {"psycopg", "psycopg-binary"}
"""LGPL, which the page explains."""

LARGEST_MB = 600


def section(title: str) -> dict[str, list[str]]:
    """Return the rows below a heading by their first cell."""
    text = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in text.splitlines() if line[:3] == "| `"]
    return {row[0].strip("`"): row[1:] for row in rows}


def names_of(requirements: list[str]) -> set[str]:
    return {Requirement(each).name for each in requirements}


def extras() -> list[str]:
    return [each for group in PROJECT["project"]["optional-dependencies"].values() for each in group]


def to_build_and_test() -> list[str]:
    groups = [each for group in PROJECT["dependency-groups"].values() for each in group]
    return [*PROJECT["build-system"]["requires"], *(each for each in groups if isinstance(each, str))]


def installed(name: str = "andon") -> Iterator[metadata.Distribution]:
    """Return the distributions of a default install, Andon itself first."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(name, frozenset[str]())]
    while waiting:
        name, wanted = waiting.pop()
        if (canonicalize_name(name), wanted) in seen:
            continue
        seen.add((canonicalize_name(name), wanted))
        distribution = metadata.distribution(name)
        yield distribution
        for requirement in map(Requirement, distribution.requires or ()):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in (wanted or {""})):
                waiting.append((requirement.name, frozenset(requirement.extras)))


def licence_of(distribution: metadata.Distribution) -> str:
    """Return a distribution's licence: the expression, otherwise classifiers, otherwise field or file."""
    said = distribution.metadata
    if expression := said.get("License-Expression"):
        return expression
    classified = [name for name in said.get_all("Classifier") or () if name.startswith("License :: ")]
    telling = [name for name in classified if name != "License :: OSI Approved"]
    if telling:
        return "; ".join(telling)
    files = [file for file in distribution.files or () if re.match(r"LICENSE|COPYING", file.name)]
    return said.get("License") or (str(files[0].locate().read_text(encoding="utf-8"))[:200] if files else "")


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("Of every installation", PROJECT["project"]["dependencies"]),
        ("Extras", extras()),
        ("To build, check and test", to_build_and_test()),
    ],
)
def test_each_dependency_has_a_row_and_each_row_a_dependency(title: str, wanted: list[str]) -> None:
    assert set(section(title)) == names_of(wanted)


def test_what_the_browser_gets_has_a_row() -> None:
    package = json.loads((ROOT / "src/andon/console/package.json").read_text(encoding="utf-8"))
    assert {name: row[1] for name, row in section("In the browser").items()} == package["dependencies"]


@pytest.mark.parametrize("requirement", [*PROJECT["project"]["dependencies"], *to_build_and_test()])
def test_the_release_that_was_looked_at_is_one_that_we_take(requirement: str) -> None:
    rows = section("Of every installation") | section("To build, check and test")
    wanted = Requirement(requirement)
    assert Version(rows[wanted.name][1]) in wanted.specifier


def test_every_import_is_of_a_dependency_or_explained() -> None:
    imported = {
        name.partition(".")[0]
        for file in (ROOT / "src" / "andon").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }
    offered = metadata.packages_distributions()
    declared = {canonicalize_name(name) for name in names_of(PROJECT["project"]["dependencies"] + extras())}
    explained = set(section("Brought by another"))
    strangers = (
        imported - set(sys.stdlib_module_names) - {"andon", "compression"}
    )  # in the standard library from 3.14 on
    assert [top for top in strangers if not {*map(canonicalize_name, offered[top])} & (declared | explained)] == []


@pytest.mark.parametrize(("name", "row"), section("Brought by another").items())
def test_what_another_brings_it_does_bring(name: str, row: list[str]) -> None:
    brought = {canonicalize_name(each.metadata["Name"]) for each in installed(row[0].strip("`"))}
    assert name in brought


def test_no_licence_of_a_default_install_binds_who_uses_it() -> None:
    doubtful = {}
    for distribution in installed():
        name, licence = canonicalize_name(distribution.metadata["Name"]), licence_of(distribution)
        if name not in WEIGHED and (not PERMISSIVE.search(licence) or RESTRICTIVE.search(licence)):
            doubtful[name] = licence
    assert doubtful == {}
    assert all(f"**{name}" in PAGE or name.startswith("psycopg-") for name in WEIGHED)


def test_a_default_install_is_small_and_brings_no_gpu_library() -> None:
    distributions = {canonicalize_name(each.metadata["Name"]): each for each in installed()}
    assert [name for name in distributions if name.startswith(("nvidia", "cuda", "triton"))] == []
    paths = {Path(str(file.locate())) for each in distributions.values() for file in each.files or ()}
    assert sum(path.stat().st_size for path in paths if path.is_file()) < LARGEST_MB * 1_000_000

"""`andon replay` and `andon policy diff` at the command line, over decisions in a real ledger."""

import json
from pathlib import Path
from typing import Any

import pytest

from andon.kernel.db import Database
from lines import register_champion
from packages import a_package
from proving import GatedLine, rightly
from replaying import AUTOMATION, a_replayed_project, andon


@pytest.fixture
def line(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GatedLine:
    return a_replayed_project(database, tmp_path, monkeypatch)


def reported(*arguments: str) -> dict[str, Any]:
    andon("replay", *arguments, "--json", "report.json")
    report: dict[str, Any] = json.loads(Path("report.json").read_text())
    return report


def test_the_same_versions_are_identical_and_a_candidate_is_not(line: GatedLine) -> None:
    line.decide(200)
    assert "200 decisions of gated decided again: 200 identical (100.00%)" in andon("replay", "--verify")
    print(andon("replay", "gated", "--since", "1d", "--policy", "stricter.yaml", "--html", "r.html"))
    print(reported("--policy", "stricter.yaml"))
    print(andon("policy", "diff", "same.yaml", "stricter.yaml", "--since", "7d"))
    print(andon("policy", "diff", "same.yaml", "same.yaml", "--since", "7d"))
    print(andon("replay", "--model", "fraud-risk@1", "--gate", "0.97"))

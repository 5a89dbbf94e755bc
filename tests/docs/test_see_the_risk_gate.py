"""The page about the risk gate has valid declarations, existing commands, and the right time spans."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from andon import MaxCost, MaxError
from andon.cli import app
from andon.gates import LAPSE, WIDER_HOLDS
from andon.proofs.domain import FRESH
from andon.statistics.binomial import clean_labels_needed, labels_needed

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "see-the-risk-gate.md").read_text(encoding="utf-8")


def test_what_the_page_declares_can_be_declared() -> None:
    declared = [
        eval(one, {"MaxError": MaxError, "MaxCost": MaxCost}) for one in re.findall(r"^\| `(Max.*?)` \|", PAGE, re.M)
    ]
    assert [type(one) for one in declared] == [MaxError, MaxError, MaxError, MaxError, MaxCost]
    assert (declared[1].by, declared[2].targets, declared[4].highest) == (
        "country",
        {"fraud": 0.02, "honest": 0.001},
        400.0,
    )


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^andon gates (\w+)", PAGE, re.M))))
def test_the_commands_exist_with_their_options(command: str) -> None:
    known = CliRunner().invoke(app, ["gates", command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    lines = re.findall(rf"^andon gates {command} .*$", PAGE, re.M)
    for option in re.findall(r"--[a-z]+", " ".join(lines)):
        assert option in known


def test_the_spans_and_counts_are_those_that_hold() -> None:
    assert f"for {WIDER_HOLDS.total_seconds() / 3600:.0f} hours" in PAGE
    assert f"none older than {FRESH.days} days" in PAGE
    assert f"renewed for {LAPSE.days} days" in PAGE
    assert f"{clean_labels_needed(0.01, 0.95)} labels if none is wrong" in PAGE
    needed = labels_needed(0.01, 0.95, 0.006)
    assert needed is not None
    assert f"about {round(needed, -2):,} for even odds" in PAGE

"""`andon replay` and `andon policy diff` at the command line, over decisions in a real ledger."""

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from andon import decisions
from andon.bootstrap import replaying
from andon.bootstrap.installation import settings_here
from andon.bootstrap.replaying import Replaying
from andon.decisions import Decision
from andon.replays import ReplayQuestion, TriedPolicy
from proving import GatedLine
from replaying import STRICTER, andon, declaration


def reported(*arguments: str) -> dict[str, Any]:
    andon("replay", *arguments, "--json", "report.json")
    report: dict[str, Any] = json.loads(Path("report.json").read_text())
    return report


def flipping(line: GatedLine) -> list[Decision]:
    """Return the decisions that the stricter policy sends to a person."""
    return [one for one in line.decided if one.outcome == "release" and one.prediction and one.prediction.score >= 0.1]


def test_the_same_versions_make_every_decision_again(line: GatedLine) -> None:
    assert "300 decisions of gated decided again: 300 identical (100.00%)" in andon("replay", "--verify")
    assert "100 decisions of gated decided again" in andon("replay", "--last", "100", "--automation", "gated")
    other = andon("replay", "--model-version", "1", "--gate", "2", "--verify", status=5)
    assert "decisions came out differently" in other


def test_a_policy_is_tried_on_the_past(line: GatedLine) -> None:
    report, expected = reported("gated", "--since", "1d", "--policy", "stricter.yaml"), flipping(line)
    assert 0 < len(expected) < 300
    (flip,) = report["flips"]
    assert (flip["before"], flip["after"], flip["decisions"]) == ("release", "review", len(expected))
    assert set(flip["examples"]) <= {str(one.request.id) for one in expected}
    assert [(one["rule_before"], one["rule_after"]) for one in report["rules"]] == [("safe", "otherwise")]
    assert {one["value"]: one["flips"] for one in report["segments"]} == Counter(
        one.request.input["country"] for one in expected
    )
    assert all(set(one["examples"]) <= {str(flip.request.id) for flip in expected} for one in report["segments"])
    assert report["reviews"]["after"] - report["reviews"]["before"] == len(expected)
    candidate = report["asked"]["candidate"]
    assert re.match(r"[\d.]+% automatic, at most [\d.]+% wrong → [\d.]+% automatic", candidate.pop("proof"))
    assert candidate == {
        "model": "the recorded predictions",
        "policy": "stricter.yaml",
        "gate": "as recorded for each decision",
    }


def test_errors_are_estimated_from_labels_on_both_sides(line: GatedLine) -> None:
    error = reported("--policy", "same.yaml")["error"]
    automatic = [one for one in line.decided[:250] if decisions.is_automatic(one.judgement)]
    wrong = sum(line.decided.index(one) % 10 == 0 for one in automatic)
    assert error["silent"] is None
    assert error["before"] == error["after"]
    assert error["after"]["labels"] == len(automatic)
    assert error["after"]["mean"] == pytest.approx(wrong / len(automatic))
    assert "error" in andon("replay", "--policy", "stricter.yaml", "--review-minutes", "4")


def test_a_model_is_asked_anew_under_its_own_gate_or_the_one_that_is_asked_for(line: GatedLine) -> None:
    same = reported("--model", "fraud-risk@champion")
    assert (same["identical"], same["flipped"]) == (300, 0)
    closed = reported("--model", "1", "--gate", "2")
    assert (closed["automatic"]["after"], closed["reviews"]["after"]) == (0, 300)
    assert closed["asked"]["candidate"]["gate"] == "threshold 2, as given"
    assert "uses fraud-risk, not other" in andon("replay", "--model", "other@1", status=2)
    assert "version 9" in andon("replay", "--model", "9", status=4)
    assert "no policy version nothing.yaml" in andon("replay", "--policy", "nothing.yaml", status=4)


def test_processes_side_by_side_count_what_one_alone_counts(line: GatedLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "STRETCH", 40)
    now = line.installation.clock.now()
    question = ReplayQuestion("gated", now - timedelta(days=1), now, last=270, policy=TriedPolicy(STRICTER, "it"))
    prepared = Replaying.prepared(settings_here(), line.database, question, now)
    assert len(prepared.parts) == 7
    told: list[int] = []
    one, two = (prepared.run(told.append, processes=processes) for processes in (1, 2))
    assert one.decisions == two.decisions == 270
    assert (one.moves, one.segments, one.examples, one.labels.due) == (
        two.moves,
        two.segments,
        two.examples,
        two.labels.due,
    )
    assert two.labels.after.errors.mean == pytest.approx(one.labels.after.errors.mean)
    assert sum(told) == 2 * prepared.size
    some, whole = prepared.run_within(0.0)
    assert (some.decisions, whole) == (0, False)


def test_the_page_needs_no_other_file_and_no_script(line: GatedLine) -> None:
    andon("replay", "--policy", "stricter.yaml", "--html", "report.html")
    page = Path("report.html").read_text()
    assert "Outcomes that change" in page
    assert str(len(flipping(line))) in page
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    assert "url(http" not in page
    assert "@import" not in page


def test_two_policies_are_compared_by_text_and_by_what_they_make_of_the_past(line: GatedLine) -> None:
    said = andon("policy", "diff", "same.yaml", "stricter.yaml", "--since", "7d", "--json", "diff.json")
    assert "rule safe" in said
    report = json.loads(Path("diff.json").read_text())
    assert report["flipped"] == len(flipping(line))
    assert report["asked"]["before"] == "what same.yaml would have decided"
    back = andon("policy", "diff", "stricter.yaml", "same.yaml", "--since", "7d", "--automation", "gated")
    assert "review" in back
    assert "decide alike" in andon("policy", "diff", "same.yaml", "same.yaml")
    Path("broken.yaml").write_text(STRICTER.replace("prediction.score", "input.amuont"))
    assert "amuont" in andon("policy", "diff", "same.yaml", "broken.yaml", status=2)


def test_a_window_that_nobody_had_then_is_computed_from_the_history(line: GatedLine) -> None:
    window = 'features=[Window("amount", by="account", over=("1h",), aggregates=("count",))]'
    Path("automation.py").write_text(declaration(window, "from andon import Window"))
    busy = "  - {id: busy, when: 'features.amount_count_1h > 120.0', then: review}\nrules_end"
    text = STRICTER.replace("rules:\n", f"rules:\n{busy}\n").replace("rules_end\n", "")
    Path("busy.yaml").write_text(text)
    try:
        report = reported("--policy", "busy.yaml", "--since", "1d")
        late = andon("replay", "--policy", "busy.yaml", "--last", "100", "--json", "late.json")
        assert "amount_count_1h computed from the history" in late
    finally:
        Path("automation.py").write_text(declaration())
    moved = sum(one["decisions"] for one in report["rules"] if one["rule_after"] == "busy")
    assert moved == 300 - 120
    newest = json.loads(Path("late.json").read_text())
    assert sum(one["decisions"] for one in newest["rules"] if one["rule_after"] == "busy") == 100


def test_what_no_history_tells_is_refused_by_name(line: GatedLine) -> None:
    lookup = 'features=[Lookup("customers", by="account", columns=("segment",))]'
    Path("automation.py").write_text(declaration(lookup, "from andon import Lookup"))
    try:
        said = andon("replay", "--policy", "stricter.yaml", status=5)
    finally:
        Path("automation.py").write_text(declaration())
    assert "customers_segment cannot be replayed" in said

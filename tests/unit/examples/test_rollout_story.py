"""The story of the rollouts: what it makes of the example, which models it trains, and what it says at the end."""

from pathlib import Path

import pytest

from andon.decisions import describe, load_file
from andon_demo import project
from andon_demo.bank.traffic import Answered, Tally, Traffic, TruthfulTransfer
from andon_demo.rollout.display import largest_share


@pytest.fixture
def folder(example: Path, tmp_path: Path) -> Path:
    for file in ("automation.py", "contract.py", "procedures.py", "train.py"):
        (tmp_path / file).write_bytes((example / file).read_bytes())
    (tmp_path / "policies").mkdir()
    policy = Path("policies", "transfer_screening.yaml")
    (tmp_path / policy).write_bytes((example / policy).read_bytes())
    return tmp_path


def test_the_example_gets_a_plan_and_no_rule_that_holds_the_line(folder: Path) -> None:
    file = folder / "automation.py"
    file.write_text(project.for_rollout(file.read_text(encoding="utf-8")), encoding="utf-8")
    [screening] = load_file(file)
    plan = describe(screening)["rollout"]
    assert (plan["kind"], plan["steps"]) == ("canary", [50.0, 100.0])
    assert not screening.actions
    assert not screening.cord


def test_one_model_learns_what_is_known_only_later_and_the_other_from_more(folder: Path) -> None:
    leaky, more = project.trainings((folder / "train.py").read_text(encoding="utf-8"))
    assert '"device_trust": 0.0} if label == "fraud"' in leaky
    assert "accounts=9_000" in more
    for text in (leaky, more):
        compile(text, "train.py", "exec")


def test_what_each_version_answers_is_counted() -> None:
    traffic = Traffic("http://127.0.0.1:1", "key", "transfers", {"busy": []})
    for version, outcome in ((2, "release"), (2, "review"), (3, "pause")):
        row = {"id": "d1", "outcome": outcome, "score": 0.1, "model": {"name": "fraud-risk", "version": version}}
        traffic._count(Tally(), TruthfulTransfer({"channel": "web"}, True), row)
    assert traffic.versions == {2: Answered(2, 1), 3: Answered(1, 0)}


@pytest.mark.parametrize(
    ("kinds", "share"), [([("begin", 0)], 0.0), ([("begin", 0), ("advance", 1)], 50.0), ([("promote", 1)], 100.0)]
)
def test_the_largest_share_of_a_candidate_is_that_of_its_furthest_stage(
    kinds: list[tuple[str, int]], share: float
) -> None:
    events = [{"kind": kind, "stage_after": stage} for kind, stage in kinds]
    assert largest_share({"plan": {"steps": [50, 100]}, "events": events}) == share

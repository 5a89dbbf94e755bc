"""The story of the drift: its changes to the example, its counts, and an error for an act that does not happen."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from andon.decisions import describe, load_file
from andon_demo import project
from andon_demo.bank.api import LineApi
from andon_demo.bank.people import People
from andon_demo.bank.traffic import Tally, Traffic, TruthfulTransfer
from andon_demo.drift import acts
from andon_demo.drift.acts import Story
from andon_demo.line import TooSlow
from andon_demo.playing import Act, play


def a_story() -> Story:
    traffic = Traffic("http://127.0.0.1:1", "key", "transfers", {"calm": [], "wave": [], "calm again": []})
    people = People("http://127.0.0.1:1", "key", traffic)
    return Story(traffic, people, line=LineApi(1, "key", "transfers"))


def test_the_example_gets_no_actions_and_a_target_that_few_labels_prove(example: Path, tmp_path: Path) -> None:
    for file in ("automation.py", "contract.py", "procedures.py"):
        (tmp_path / file).write_bytes((example / file).read_bytes())
    (tmp_path / "policies").mkdir()
    policy = Path("policies", "transfer_screening.yaml")
    (tmp_path / policy).write_bytes((example / policy).read_bytes())
    file = tmp_path / "automation.py"
    file.write_text(project.for_drift(file.read_text(encoding="utf-8")), encoding="utf-8")
    [screening] = load_file(file)
    assert not screening.actions
    assert describe(screening)["risk"]["target"] == 0.01
    assert screening.audit is not None
    assert screening.audit.highest >= acts.SHARE


@pytest.mark.parametrize(
    ("fraud", "outcome", "score", "expected"),
    [
        (True, "release", 0.01, Tally(1, 1, 1, 1, 1)),
        (True, "review", 0.01, Tally(1, 0, 1, 0, 1)),
        (True, "pause", 0.99, Tally(1, 1, 1, 0, 0)),
        (False, "release", 0.01, Tally(1, 1, 0, 0, 0)),
        (False, "pause", 0.99, Tally(1, 1, 0, 1, 1)),
        (False, "review", 0.6, Tally(1, 0, 0, 0, 1)),
    ],
)
def test_errors_with_and_without_andon_are_counted_on_the_same_transfers(
    fraud: bool, outcome: str, score: float, expected: Tally
) -> None:
    traffic, tally = a_story().traffic, Tally()
    row: dict[str, Any] = {
        "id": "d1",
        "outcome": outcome,
        "score": score,
        "model": {"name": "fraud-risk", "version": 1},
    }
    traffic._count(tally, TruthfulTransfer({"channel": "web"}, fraud), row)
    assert tally == expected
    assert traffic.sent["d1"].fraud is fraud


def test_an_act_that_does_not_happen_ends_the_story() -> None:
    story, began = a_story(), list[str]()
    happens: Act[Story] = Act("first", 1.0, lambda _: "it did", lambda _: began.append("first"))
    never: Act[Story] = Act("second", 0.0, lambda _: None)
    with pytest.raises(TooSlow, match="second"):
        asyncio.run(play(story, [happens, never]))
    assert began == ["first"]
    assert [name for name, _, _ in story.done] == ["first"]

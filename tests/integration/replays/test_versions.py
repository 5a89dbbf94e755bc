"""What a replay says of a model version is what that version then does, under the gates that it starts with."""

import json
from collections import Counter
from pathlib import Path

import pytest

from andon import MaxError, models
from andon.authoring import RiskBound
from andon.kernel.db import Database
from andon.kernel.events import Events
from lines import OWNER
from packages import a_package
from proving import a_gated_line
from replaying import a_project_folder, andon, declaration


@pytest.mark.parametrize(
    "risk",
    [MaxError(0.1), MaxError(0.1, per_class={"fraud": 0.05, "ok": 0.2})],
    ids=["one gate", "a gate for each class"],
)
def test_what_a_replay_says_of_a_version_is_what_it_then_does(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, risk: RiskBound
) -> None:
    a_project_folder(database, tmp_path, monkeypatch)
    line = a_gated_line(database, tmp_path, risk)
    (tmp_path / "automation.py").write_text(declaration(risk=repr(risk)))
    first, now = line.decide(150), line.installation.clock.now()
    with database.begin() as tx:
        package = a_package(tmp_path / "second", seed=2)
        version = models.register(tx, package, actor=OWNER, events=Events(), reason="test", now=now)
    andon("replay", "--model", f"fraud-risk@{version.number}", "--json", "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    with database.begin() as tx:
        models.set_alias(
            tx, "fraud-risk", "champion", version.number, actor=OWNER, events=Events(), reason="test", now=now
        )
    line.installation.deployment.refresh()
    line.seed -= 1
    then = line.decide(150)
    pairs = Counter(
        (was.outcome, now.outcome) for was, now in zip(first, then, strict=True) if was.outcome != now.outcome
    )
    assert {one.line.model.version for one in then} == {version.number}
    assert pairs
    assert {(flip["before"], flip["after"]): flip["decisions"] for flip in report["flips"]} == pairs

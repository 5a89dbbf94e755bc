"""What others report of decisions that a split drew says what a candidate is worth, or why nobody can know."""

import json
from pathlib import Path
from typing import Any

import pytest

from andon import MaxError, Measure, measures
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.measures import MeasureReport
from lines import OWNER
from proving import POLICY, GatedLine, a_gated_line
from replaying import a_project_folder, andon

RELEASING = POLICY.replace("then: pause", "then: release")
PAUSING = POLICY.replace("then: release", "then: pause")
ASKING = POLICY.replace("then: release", "then: review").replace("then: pause", "then: review")
EARNED = {"release": 10.0, "pause": 2.0, "review": 5.0}


@pytest.fixture
def line(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GatedLine:
    """400 accounts, half of them by a policy that releases whatever is certain, half by one that pauses it."""
    more = 'policy=Path("releasing.yaml").read_text(), measures=[Measure("revenue", unit="EUR")]'
    a_project_folder(
        database, tmp_path, monkeypatch, more=more, imports="from pathlib import Path\nfrom andon import Measure"
    )
    for name, text in (("releasing", RELEASING), ("pausing", PAUSING), ("asking", ASKING)):
        (tmp_path / f"{name}.yaml").write_text(text)
    line = a_gated_line(database, tmp_path, MaxError(0.1), policy=RELEASING, measures=[Measure("revenue", unit="EUR")])
    version = andon("policy", "publish", "gated", "pausing.yaml", "--aside", "--reason", "try").split()[2]
    andon("split", "set", "gated", "--share", f"1+{version}=50", "--reason", "half")
    line.installation.deployment.refresh()
    made = line.decide(400, account=lambda number: f"a{number}")
    with database.begin() as tx:
        reports = [MeasureReport(one.request.id, "revenue", EARNED[one.outcome]) for one in made]
        measures.report(tx, reports, actor=OWNER, events=Events(), now=line.installation.clock.now())
    return line


def value_of(policy: str) -> dict[str, Any]:
    andon("replay", "--policy", policy, "--since", "1d", "--json", "values.json")
    (found,) = json.loads(Path("values.json").read_text())["values"]
    return dict(found)


def test_a_candidate_is_worth_what_its_outcomes_earned_where_they_were_drawn(line: GatedLine) -> None:
    outcomes = [one.outcome for one in line.decided]
    assert {"release", "pause", "review"} == set(outcomes)
    certain = sum(outcome != "review" for outcome in outcomes) / len(outcomes)
    releasing, pausing = value_of("releasing.yaml"), value_of("pausing.yaml")
    assert releasing["silent"] is pausing["silent"] is None
    assert releasing["before"]["mean"] == pytest.approx(sum(map(EARNED.__getitem__, outcomes)) / len(outcomes))
    for found, earned in ((releasing, 10.0), (pausing, 2.0)):
        truth = earned * certain + 5.0 * (1 - certain)
        assert found["after"]["low"] <= truth <= found["after"]["high"]
        assert found["after"]["high"] - found["after"]["low"] < 3.0
    assert "revenue" in andon("replay", "--policy", "pausing.yaml")
    asking = value_of("asking.yaml")
    assert asking["after"] is None
    assert "does what was never drawn there" in asking["silent"]

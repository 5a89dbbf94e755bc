"""What others report of decisions that a split drew says what a candidate is worth, or why nobody can know."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from andon import MaxError, Measure, Truth, measures
from andon.decisions import Decision
from andon.evidence import DecisionStream
from andon.kernel.db import Database
from andon.kernel.events import Events
from andon.measures import MeasureReport, Meter
from lines import OWNER
from proving import POLICY, GatedLine, a_gated_line
from replaying import a_project_folder, andon

_THREE = POLICY.replace("[release,", "[release, hold,")
RELEASING = _THREE.replace("then: pause", "then: release")
PAUSING = _THREE.replace("then: release", "then: pause")
ASKING = _THREE.replace("then: release", "then: review").replace("then: pause", "then: review")
MEASURES = [
    Measure("revenue", unit="EUR"),
    Measure("passed", unit="EUR", value="input.amount", when='outcome == "release"'),
    Measure("lost", unit="EUR", value="input.amount", when='outcome == "release" && label == "fraud"'),
]
OUTCOMES = {"release": None, "pause": None, "hold": "fraud"}
"""What either policy does with a prediction says nothing about it, so that both act within the bound."""
EARNED = {"release": 10.0, "pause": 2.0, "review": 5.0}


@pytest.fixture(scope="module")
def line(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatedLine]:
    """400 accounts, half of them by a policy that releases whatever is certain, half by one that pauses it."""
    with pytest.MonkeyPatch.context() as patch:
        yield a_split_line(module_database, tmp_path_factory.mktemp("bank"), patch)


def a_split_line(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GatedLine:
    more = f'policy=Path("releasing.yaml").read_text(), measures={MEASURES!r}, truth=Truth({OUTCOMES!r})'
    a_project_folder(
        database, tmp_path, monkeypatch, more=more, imports="from pathlib import Path\nfrom andon import Measure, Truth"
    )
    for name, text in (("releasing", RELEASING), ("pausing", PAUSING), ("asking", ASKING)):
        (tmp_path / f"{name}.yaml").write_text(text)
    line = a_gated_line(database, tmp_path, MaxError(0.1), policy=RELEASING, measures=MEASURES, truth=Truth(OUTCOMES))
    version = andon("policy", "publish", "gated", "pausing.yaml", "--aside", "--reason", "try").split()[2]
    andon("split", "set", "gated", "--share", f"1+{version}=50", "--reason", "half")
    line.installation.deployment.refresh()
    made = line.decide(400, account=lambda number: f"a{number}")
    with database.begin() as tx:
        reports = [MeasureReport(one.request.id, "revenue", EARNED[one.outcome]) for one in made]
        measures.report(tx, reports, actor=OWNER, events=Events(), now=line.installation.clock.now())
    line.label(made[:300], lambda one: "fraud" if made.index(one) % 5 == 0 else "ok")
    return line


def honest(_: Decision) -> str:
    return "ok"


def reported(*arguments: str) -> dict[str, Any]:
    andon(*arguments, "--since", "1d", "--json", "values.json")
    report: dict[str, Any] = json.loads(Path("values.json").read_text())
    return report


def value_of(policy: str) -> dict[str, Any]:
    (found,) = reported("replay", "--policy", policy)["values"]
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
        assert found["difference"]["mean"] == pytest.approx(found["after"]["mean"] - found["before"]["mean"])
        assert found["difference"]["low"] <= truth - found["before"]["mean"] <= found["difference"]["high"]
    assert "revenue" in andon("replay", "--policy", "pausing.yaml")
    asking = value_of("asking.yaml")
    assert asking["after"] is None
    assert "does what was never drawn there" in asking["silent"]


def test_two_policies_are_both_estimated_and_not_taken_for_what_was_decided(line: GatedLine) -> None:
    (found,) = reported("policy", "diff", "pausing.yaml", "releasing.yaml")["values"]
    assert found["before"]["mean"] == pytest.approx(value_of("pausing.yaml")["after"]["mean"])
    assert found["after"]["mean"] == pytest.approx(value_of("releasing.yaml")["after"]["mean"])
    assert found["difference"]["low"] > 0


def test_computed_measures_are_those_of_the_meter_and_those_of_the_candidate(line: GatedLine) -> None:
    now = line.installation.clock.now()
    metering, more = DecisionStream([Meter()]), True
    while more:
        with line.database.begin() as tx:
            more = metering.take(tx, now)
    with line.database.begin() as tx:
        summed = {one.measure: float(one.total) for one in measures.sums(tx, "gated", now.date(), now.date())}
    passed, lost = reported("replay", "--policy", "pausing.yaml")["measures"]
    assert passed["before"]["total"] == passed["before"]["high"] == pytest.approx(summed["passed"])
    assert (passed["after"]["total"], passed["difference"]["high"]) == (0.0, pytest.approx(-summed["passed"]))
    assert lost["silent"].startswith("labels represent")
    assert lost["after"] == {"total": 0.0, "low": 0.0, "high": 0.0, "labels": 0}
    released = [one for one in line.decided if one.outcome == "release"]
    line.label([one for one in released if one not in line.decided[:300]], honest)
    lost = reported("replay", "--policy", "pausing.yaml")["measures"][1]
    assert lost["before"]["total"] == pytest.approx(summed["lost"])
    assert lost["difference"]["total"] == pytest.approx(-summed["lost"])
    shown = andon("replay", "--policy", "pausing.yaml", "--html", "values.html")
    page = Path("values.html").read_text()
    for name in ("passed", "lost", "revenue"):
        assert name in shown
        assert f"<dt>{name}</dt>" in page
    assert f"→ 0.00 EUR by 400 decisions: -{summed['passed']:,.2f}" in shown

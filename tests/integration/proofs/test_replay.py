"""Decisions under live gates, gates of segments and of classes are replayed to the last bit, with their revision."""

from pathlib import Path

import pytest

from andon import MaxError, decisions
from andon.authoring import RiskBound
from andon.gates import Part
from andon.kernel.db import Database
from proving import a_gated_line, rightly, wrongly


@pytest.mark.parametrize(
    "risk",
    [
        MaxError(0.1),
        MaxError(0.1, by="country"),
        MaxError(0.1, per_class={"fraud": 0.05, "ok": 0.2}),
        MaxError(0.1, by="country", per_class={"fraud": 0.2}),
    ],
    ids=["live", "segments", "classes", "both"],
)
def test_every_decision_names_its_revision_and_replays_identically(
    database: Database, tmp_path: Path, risk: RiskBound
) -> None:
    line = a_gated_line(database, tmp_path, risk)
    line.label(line.decide(300, country="DE"), rightly)
    line.label(line.decide(300, country="FR"), lambda one: wrongly(one) if rightly(one) == "fraud" else "ok")
    line.prove()
    made = [*line.decide(150, country="DE"), *line.decide(150, country="FR"), *line.decide(50, country="KP")]
    there, now = line.revisions(), line.installation.clock.now()
    for one in made:
        value = one.request.input["country"] if risk.by else None
        part: Part = (value, rightly(one) if rightly(one) in risk.targets else "")
        held = there.in_force(part, now)
        assert held is not None
        assert one.judgement.risk.revision == held.revision
        assert one.judgement.risk.certain == (
            one.prediction is not None and one.prediction.confidence >= held.threshold
        )
    with database.begin() as tx:
        records = decisions.newest(tx, "gated", 10_000)
    deployed = line.installation.deployment.lines["gated"]
    replayed = decisions.replay(records, lambda _: deployed, lambda _: None)
    assert (replayed.compared, replayed.identical, replayed.differences) == (950, 950, ())
    assert len({record.row.gate_revision for record in records}) > 1

"""Labels go in, gate revisions come out: from real decisions on a real ledger."""

from pathlib import Path

from andon import MaxError
from andon.gates import WHOLE
from andon.kernel.db import Database
from proving import a_gated_line, rightly


def test_labels_widen_the_gate_and_the_revision_says_why(database: Database, tmp_path: Path) -> None:
    line = a_gated_line(database, tmp_path, MaxError(0.1))
    held_out = line.revisions().held_out[""]
    line.label(line.decide(600), rightly)
    line.prove()
    now = line.installation.clock.now()
    proven = line.revisions().proven(WHOLE, now)
    assert proven is not None
    assert proven.threshold < held_out.threshold

"""Requirements on the packed model. Run `python train.py` first: these tests use the model that it packs."""

from itertools import islice
from pathlib import Path

import pytest
from andon.testing import decide

from automation import screening
from simulator import simulate

PACKAGE = Path(__file__).parent.parent / "package"

pytestmark = pytest.mark.skipif(not PACKAGE.exists(), reason="python train.py has not been run")


def test_of_unseen_transfers_most_are_decided_without_a_person_and_hardly_one_wrongly() -> None:
    transfers = list(islice(simulate(99, accounts=2_000, days=4), 4_000))
    decisions = decide(screening, [t.input for t in transfers], model=PACKAGE, at=[t.occurred_at for t in transfers])
    automatic = [(d, t) for d, t in zip(decisions, transfers, strict=True) if d.outcome != "review"]
    wrong = [t for d, t in automatic if (d.outcome == "pause") != t.is_fraud and t.input["country"] not in ("XA", "XB")]
    assert len(automatic) > 0.9 * len(transfers)
    assert len(wrong) <= 0.006 * len(automatic)

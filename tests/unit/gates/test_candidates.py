"""Gates of candidates: the threshold that a refusal names is one that is accepted."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.gates import NOTHING, ArmRevisions, GateInvalid, GateRevision, Origin, require_proven

NOW = datetime(2026, 12, 1, tzinfo=UTC)
ARM = "fraud-risk@1+3f2a9c01d2e4"


def proven(threshold: float) -> ArmRevisions:
    held_out = GateRevision("payments", 4, ARM, threshold, 0.01, 0.95, Origin.HELD_OUT, {}, 1, "andon", "rows", NOW)
    return ArmRevisions.of([held_out])


@given(st.floats(0.1, 1.0))
def test_a_refusal_names_the_least_threshold_that_is_accepted(threshold: float) -> None:
    there = proven(threshold)
    with pytest.raises(GateInvalid, match=r"proven for fraud-risk@1\+3f2a9c01d2e4 \(revision 4\)") as refused:
        require_proven(there, ARM, 0.05, NOW)
    (fault,) = refused.value.faults
    assert fault.where == "gate"
    least = float(fault.message.split("at least ")[1].split(",")[0])
    assert threshold <= least < threshold + 1e-6 + 1e-12
    require_proven(there, ARM, least, NOW)


def test_where_nothing_is_proven_no_confidence_is_enough_but_nothing_may_be_asked_for() -> None:
    with pytest.raises(GateInvalid, match="no confidence lets it decide"):
        require_proven(proven(NOTHING), ARM, 1.0, NOW)
    require_proven(proven(NOTHING), ARM, NOTHING, NOW)

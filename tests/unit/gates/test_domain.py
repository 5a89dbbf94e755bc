"""Gate revisions: a person may only ask for more confidence."""

from datetime import UTC, datetime, timedelta

import pytest

from andon.gates import GateInvalid, GateRevision, Origin
from andon.gates.domain import check_narrowing

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def revision(number: int = 1, *, threshold: float = 0.9, hours: float | None = None) -> GateRevision:
    return GateRevision(
        automation="payments",
        revision=number,
        arm="fraud-risk@1+abc",
        threshold=threshold,
        target=0.01,
        confidence=0.95,
        origin=Origin.HELD_OUT,
        evidence={},
        automation_version=1,
        by="andon",
        reason="evidence",
        at=NOW,
        expires_at=None if hours is None else NOW + timedelta(hours=hours),
    )


@pytest.mark.parametrize("threshold", [0.9, 0.95, 1.0, 2.0])
def test_more_confidence_than_is_proven_may_be_asked_for(threshold: float) -> None:
    check_narrowing(revision(), threshold, "drill", NOW, NOW + timedelta(days=1))


@pytest.mark.parametrize(
    ("proven", "threshold", "reason", "expires", "where"),
    [
        (revision(), 0.899, "drill", None, "threshold"),
        (revision(), float("nan"), "drill", None, "threshold"),
        (revision(), 2.5, "drill", None, "threshold"),
        (revision(), 0.95, " ", None, "reason"),
        (revision(), 0.95, "drill", NOW, "expires_at"),
        (None, 0.95, "drill", None, "arm"),
    ],
)
def test_less_than_is_proven_is_refused(
    proven: GateRevision | None, threshold: float, reason: str, expires: datetime | None, where: str
) -> None:
    with pytest.raises(GateInvalid) as caught:
        check_narrowing(proven, threshold, reason, NOW, expires)
    assert where in {fault.where for fault in caught.value.faults}

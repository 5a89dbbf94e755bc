"""The step from a proof to a revision: narrowing at once, worthwhile widening on fresh labels, renewal in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.authoring import BlindAudit
from andon.gates import NOTHING, GateRevision, Origin
from andon.proofs.domain import FRESH, ProvenRegion, Standing, share_above, threshold_wanted
from andon.proofs.sharing import wanted_share

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SHARES = [(0.99, 0.3), (0.95, 0.5), (0.9, 0.7), (0.899, 0.701), (0.8, 0.9), (0.5, 1.0)]
PROOF = ProvenRegion(0.9, 0.7, 0.01, 0.02, 500, 500, settled=False, suspicion=0.0, breaks=0)


def a_revision(threshold: float, origin: Origin, *, at: datetime = NOW, hours: float | None = None) -> GateRevision:
    until = None if hours is None else at + timedelta(hours=hours)
    return GateRevision(
        "gated", 1, "m@1+p", threshold, 0.02, 0.95, origin, {}, 1, "andon", "evidence", at, expires_at=until
    )


HELD_OUT = a_revision(0.9, Origin.HELD_OUT)


def standing(live: GateRevision | None = None, *, labelled: datetime | None = NOW) -> Standing:
    return Standing(HELD_OUT, live, labelled)


def wanted(threshold: float | None, there: Standing, *, settled: bool = False, breaks: int = 0) -> float | None:
    proof = replace(PROOF, threshold=threshold, settled=settled, breaks=breaks)
    return threshold_wanted(proof, there, SHARES, NOW)


def test_labels_that_say_no_more_than_held_out_rows_make_no_revision() -> None:
    assert wanted(0.9, standing()) is None
    assert wanted(0.95, standing()) is None
    assert wanted(None, standing()) is None


def test_labels_that_say_otherwise_narrow_the_gate_at_once() -> None:
    assert wanted(0.95, standing(), settled=True) == 0.95
    assert wanted(None, standing(), breaks=1) == NOTHING
    assert wanted(None, standing(labelled=NOW - 2 * FRESH), breaks=1) == NOTHING


def test_a_line_that_had_lapsed_begins_again_with_what_fresh_labels_prove() -> None:
    lapsed = replace(standing(), lapsed=True)
    assert wanted(0.9, lapsed) == 0.9
    assert wanted(0.9, replace(lapsed, labelled_at=NOW - 2 * FRESH)) is None


def test_a_wider_region_is_taken_if_it_is_worth_a_revision() -> None:
    assert wanted(0.8, standing()) == 0.8
    young = a_revision(0.9, Origin.LIVE)
    assert wanted(0.899, standing(young)) is None


def test_old_labels_widen_nothing_and_renew_nothing() -> None:
    old = NOW - FRESH - timedelta(days=1)
    assert wanted(0.8, standing(labelled=old)) is None
    ending = a_revision(0.8, Origin.LIVE, at=NOW - timedelta(hours=20), hours=24)
    assert wanted(0.8, standing(ending, labelled=old)) is None


@pytest.mark.parametrize(("age", "due"), [(1, False), (11, False), (12, True), (23, True)])
def test_a_wider_revision_is_renewed_when_half_of_its_time_is_over(age: int, due: bool) -> None:
    live = a_revision(0.8, Origin.LIVE, at=NOW - timedelta(hours=age), hours=24)
    assert (wanted(0.8, standing(live)) == 0.8) is due


@pytest.mark.parametrize(("days", "due"), [(1, False), (6, False), (7, True)])
def test_a_narrower_revision_is_said_again_every_week(days: int, due: bool) -> None:
    live = a_revision(0.95, Origin.LIVE, at=NOW - timedelta(days=days))
    assert (wanted(0.95, standing(live)) == 0.95) is due


@given(
    st.none() | st.sampled_from([at for at, _ in SHARES]),
    st.none() | st.sampled_from([at for at, _ in SHARES]),
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 40),
)
def test_a_revision_is_never_wider_than_what_is_proven(
    proven: float | None, before: float | None, settled: bool, breaks: int, days: int
) -> None:
    live = None if before is None else a_revision(before, Origin.LIVE, at=NOW - timedelta(days=days), hours=24)
    found = wanted(proven, standing(live), settled=settled, breaks=breaks)
    assert found in (None, NOTHING if proven is None else proven)
    if breaks and proven is None:
        assert found == NOTHING or standing(live).threshold(NOW) >= NOTHING


def test_the_share_above_a_threshold_between_two_is_that_of_the_narrower_one() -> None:
    assert [share_above(SHARES, at) for at in (0.5, 0.85, 0.9, 1.0)] == [1.0, 0.701, 0.7, 0.0]


AUDITS = BlindAudit(0.02, least=0.01, most=0.2)


@pytest.mark.parametrize(
    ("suspicion", "needed", "a_day", "share"),
    [
        (0.0, None, 1000, 0.01),
        (0.0, 0, 1000, 0.01),
        (0.0, 700, 1000, 0.1),
        (0.0, 70_000, 1000, 0.2),
        (1.0, None, 1000, 0.2),
        (0.75, 70, 1000, 0.1),
        (0.0, 700, 0, 0.01),
    ],
)
def test_the_share_of_audits_follows_the_need_and_the_suspicion(
    suspicion: float, needed: int | None, a_day: float, share: float
) -> None:
    found = wanted_share(AUDITS, suspicion=suspicion, labels_needed=needed, automatic_a_day=a_day)
    assert found == pytest.approx(share)

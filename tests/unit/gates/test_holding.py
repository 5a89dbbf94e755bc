"""The gate in force: never wider than what is proven; a person's narrowing wins, and what widens expires."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.decisions.controls import ArmGates, Control, Gate
from andon.gates import LAPSE, NOTHING, WHOLE, ArmRevisions, GateRevision, Origin, Part, part_of

NOW = datetime(2026, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HELD_OUT = Gate(0.5, 0.01)


def revision(number: int, origin: Origin = Origin.HELD_OUT, threshold: float = 0.9, **more: Any) -> GateRevision:
    usual: dict[str, Any] = {
        "automation": "payments",
        "arm": "fraud-risk@1+abc",
        "target": 0.01,
        "confidence": 0.95,
        "evidence": {"by": "country", "classes": ["fraud"]},
        "automation_version": 1,
        "by": "andon",
        "reason": "evidence",
        "at": NOW,
    }
    return GateRevision(revision=number, origin=origin, threshold=threshold, **(usual | more))


def live(number: int, threshold: float, *, hours: float | None = 24, **more: Any) -> GateRevision:
    return revision(
        number, Origin.LIVE, threshold, expires_at=None if hours is None else NOW + timedelta(hours=hours), **more
    )


def person(number: int, threshold: float, *, hours: float | None = None, **more: Any) -> GateRevision:
    return revision(
        number, Origin.PERSON, threshold, expires_at=None if hours is None else NOW + timedelta(hours=hours), **more
    )


def threshold(some: Sequence[GateRevision], part: Part = WHOLE, at: datetime = NOW) -> float | None:
    found = ArmRevisions.of(some).in_force(part, at)
    return None if found is None else found.threshold


CLASS = revision(1, threshold=0.95, predicted="fraud")
WHOLE_LINE = revision(2)


def test_a_wider_proof_holds_until_it_expires_and_then_held_out_evidence_does() -> None:
    some = [CLASS, WHOLE_LINE, live(3, 0.8)]
    assert threshold(some) == 0.8
    assert threshold(some, at=NOW + timedelta(hours=24)) == 0.9


def test_a_narrower_proof_never_expires_by_itself() -> None:
    some = [CLASS, WHOLE_LINE, live(3, 0.99, hours=None)]
    assert threshold(some, at=NOW + LAPSE - timedelta(seconds=1)) == 0.99


def test_a_wider_proof_says_nothing_of_a_target_that_was_declared_after_it_but_a_narrower_one_stays() -> None:
    assert threshold([CLASS, live(2, 0.8), revision(3)]) == 0.9
    assert threshold([CLASS, live(2, 0.99, hours=None), revision(3)]) == 0.99


def test_where_live_proofs_began_and_stopped_for_a_month_everything_goes_to_people() -> None:
    some = [CLASS, WHOLE_LINE, live(3, 0.95, hours=None), live(4, 0.97, hours=None, segment={"country": "DE"})]
    assert threshold(some, at=NOW + LAPSE) == NOTHING
    assert threshold(some, ("DE", ""), NOW + LAPSE) == NOTHING


def test_a_line_that_never_had_labels_is_not_cut_off() -> None:
    assert threshold([CLASS, WHOLE_LINE], at=NOW + 100 * LAPSE) == 0.9


def test_a_segment_without_a_proof_of_its_own_has_the_gate_of_the_whole_line() -> None:
    some = [CLASS, WHOLE_LINE, live(3, 0.8), live(4, 0.85, segment={"country": "DE"})]
    assert threshold(some, ("DE", "")) == 0.85
    assert threshold(some, ("FR", "")) == 0.8
    assert threshold(some, ("DE", ""), NOW + DAY) == 0.9


def test_a_predicted_class_has_a_bound_of_its_own_in_place_of_the_lines() -> None:
    some = [CLASS, WHOLE_LINE, live(3, 0.8)]
    assert threshold(some, (None, "fraud")) == 0.95
    assert threshold([*some, live(4, 0.6, predicted="fraud")], (None, "fraud")) == 0.6
    assert threshold(some, (None, "ok")) == 0.8


def test_a_class_that_is_no_longer_declared_has_the_gate_of_the_line() -> None:
    dropped = revision(3, threshold=0.7, evidence={})
    assert threshold([CLASS, WHOLE_LINE, dropped], (None, "fraud")) == 0.7
    assert ArmRevisions.of([CLASS, WHOLE_LINE, dropped]).parts == {WHOLE}


@pytest.mark.parametrize("part", [WHOLE, ("DE", ""), (None, "fraud"), ("DE", "fraud")])
def test_a_person_narrows_every_part_of_what_they_named(part: Part) -> None:
    some = [CLASS, WHOLE_LINE, live(3, 0.8), live(4, 0.7, segment={"country": "DE"}), person(5, 0.97)]
    assert threshold(some, part) == 0.97


def test_a_person_may_narrow_one_segment_and_their_next_word_counts() -> None:
    some = [CLASS, WHOLE_LINE, person(3, 0.99, segment={"country": "DE"}), person(4, 0.95, segment={"country": "DE"})]
    assert (threshold(some, ("DE", "")), threshold(some, ("FR", ""))) == (0.95, 0.9)


def test_without_held_out_evidence_nothing_is_known() -> None:
    assert threshold([live(1, 0.8)]) is None
    assert ArmGates.of(ArmRevisions.of([live(1, 0.8)]), NOW) is None


THRESHOLDS = st.sampled_from([0.5, 0.7, 0.8, 0.9, 0.95, 0.99, NOTHING])
PARTS: list[Part] = [(value, predicted) for value in (None, "DE", "FR") for predicted in ("", "fraud")]


@st.composite
def histories(draw: st.DrawFn) -> list[GateRevision]:
    """Revisions as the service makes them: held-out ones first, a wider live one with an expiry."""
    made = [revision(1, threshold=draw(THRESHOLDS), predicted="fraud"), revision(2, threshold=draw(THRESHOLDS))]
    for number in range(3, 3 + draw(st.integers(0, 6))):
        part = draw(st.sampled_from(PARTS))
        where: dict[str, Any] = {"predicted": part[1], "segment": {} if part[0] is None else {"country": part[0]}}
        where["at"] = NOW - timedelta(hours=draw(st.integers(0, 900)))
        kind = draw(st.sampled_from(list(Origin)))
        at = draw(THRESHOLDS)
        if kind is Origin.HELD_OUT:
            made.append(revision(number, threshold=at, predicted=part[1], at=where["at"]))
        elif kind is Origin.LIVE:
            base = max((one for one in made if one.origin is Origin.HELD_OUT and one.predicted == part[1]), key=_number)
            until = where["at"] + DAY if at < base.threshold else None
            made.append(revision(number, kind, at, expires_at=until, **where))
        else:
            until = draw(st.none() | st.integers(-48, 48).map(lambda hours: NOW + timedelta(hours=hours)))
            made.append(revision(number, kind, at, expires_at=until, **where))
    return made


def _number(one: GateRevision) -> int:
    return one.revision


@given(histories(), st.sampled_from(PARTS), st.integers(0, 2000))
def test_nothing_wider_than_what_is_proven_is_ever_in_force(some: list[GateRevision], part: Part, hours: int) -> None:
    at = NOW + timedelta(hours=hours)
    there = ArmRevisions.of(some)
    found = there.in_force(part, at)
    assert found is not None
    held_out = max((one for one in some if one.origin is Origin.HELD_OUT and one.predicted == part[1]), key=_number)
    proven = [
        one.threshold
        for one in some
        if one.origin is Origin.LIVE
        and one.predicted == part[1]
        and part_of(one)[0] in (None, part[0])
        and one.expires_at is not None
        and one.revision > held_out.revision
        and at < one.expires_at
    ]
    assert found.threshold >= min([held_out.threshold, *proven])


@given(histories(), st.sampled_from(PARTS), st.lists(st.integers(0, 2000), min_size=2, max_size=2).map(sorted))
def test_with_the_worker_down_a_line_only_narrows_but_for_what_a_person_limited(
    some: list[GateRevision], part: Part, hours: list[int]
) -> None:
    there = ArmRevisions.of([one for one in some if one.origin is not Origin.PERSON])
    now, later = (there.in_force(part, NOW + timedelta(hours=each)) for each in hours)
    assert now is not None
    assert later is not None
    live_of = [one for one in there.live.values() if part_of(one)[0] == part[0] or part_of(one)[0] is None]
    narrower = max((one.threshold for one in live_of), default=0.0)
    assert later.threshold >= min(now.threshold, max(narrower, there.held_out[part[1]].threshold))


@given(histories(), st.sampled_from(PARTS), st.integers(0, 2000))
def test_a_gateway_that_looked_ahead_once_has_the_gate_that_holds_at_any_later_moment(
    some: list[GateRevision], part: Part, hours: int
) -> None:
    there, at = ArmRevisions.of(some), NOW + timedelta(hours=hours)
    known = ArmGates.of(there, NOW)
    assert known is not None
    control, expected = Control(gates={"arm": known}), there.in_force(part, at)
    parts = control.parts("arm")
    assert parts is not None
    row = {} if part[0] is None else {"country": part[0]}
    found = parts.of(row, part[1] or "ok", at)
    assert expected is not None
    assert (found.threshold, found.revision) == (expected.threshold, expected.revision)
    whole = there.in_force(WHOLE, at)
    assert whole is not None
    assert control.gate("arm", HELD_OUT, at).revision == whole.revision


@pytest.mark.parametrize(
    ("own", "part", "expected"),
    [
        (0.92, WHOLE, 0.92),  # narrower than proven of the whole line
        (0.92, (None, "fraud"), 0.95),  # the proof of this class asks for more
        (0.97, (None, "fraud"), 0.97),
        (0.92, ("DE", ""), 0.99),  # a person asked for more in this segment
        (0.5, WHOLE, 0.9),  # a gate never lets through more than is proven
    ],
)
def test_a_candidates_own_gate_holds_in_each_part_unless_more_is_asked_for_there(
    own: float, part: Part, expected: float
) -> None:
    people = [person(3, 0.98), person(4, 0.99, segment={"country": "DE"})]
    there = ArmRevisions.of([CLASS, WHOLE_LINE, *people]).with_own(person(5, own))
    found = there.in_force(part, NOW)
    assert found is not None
    assert found.threshold == expected


def test_what_is_asked_of_the_whole_line_later_holds_for_a_candidate_and_a_new_declaration_does_not_widen_it() -> None:
    own, later = person(3, 0.92), person(4, 0.96, hours=1)
    there = ArmRevisions.of([CLASS, WHOLE_LINE, later]).with_own(own)
    assert [one.threshold for at in (0, 2) if (one := there.in_force(WHOLE, NOW + timedelta(hours=at)))] == [0.96, 0.92]
    declared_anew = ArmRevisions.of([CLASS, revision(5, threshold=0.9)]).with_own(own).in_force(WHOLE, NOW)
    assert declared_anew == own

"""Computed measures of a candidate: exact where no label matters, else held to a plain estimator."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from andon.decisions import Judgement, Risk
from andon.labels import LabelSource, ValidLabel
from andon.policies import Ruling
from andon.replays import ComputedMeasures, MeasureChange, ReplayTally, changes_of
from andon.replays.measuring import MeasuredCase
from andon.serving import Prediction

KINDS = {"input.amount": "number", "outcome": "string", "label": "string"}


def described(name: str, value: str, when: str = "") -> dict[str, Any]:
    return {"name": name, "unit": "EUR", "by": [], "value": value, "when": when, "kinds": KINDS}


SCREENED = described("screened", "input.amount")
PASSED = described("passed", "input.amount", 'outcome == "release"')
LOST = described("lost", "input.amount", 'outcome == "release" && label == "fraud"')
REPORTED = {**described("refunded", ""), "value": None}


def judged(outcome: str) -> Judgement:
    prediction = Prediction(0.5, "ok", 0.95, {"ok": 0.95, "fraud": 0.05})
    return Judgement(prediction, Risk(True, 0.9, 0.01), Ruling(outcome, outcome, ()))


def case(was: str, now: str, amount: float, label: str | None, probability: float = 1.0) -> MeasuredCase:
    known = None if label is None else ValidLabel(label, LabelSource.BLIND_AUDIT, probability, True, UUID(int=1))
    return MeasuredCase({"amount": amount}, ({}, {}), (judged(was), judged(now)), True, known)


def valued(one: MeasuredCase) -> str | None:
    return None if one.label is None else one.label.value


def changes(cases: Sequence[MeasuredCase], *declared: Mapping[str, Any]) -> list[MeasureChange]:
    computed = ComputedMeasures(declared or (SCREENED, PASSED, LOST, REPORTED))
    return list(changes_of(computed, computed.sums(cases)))


OUTCOMES = st.sampled_from(["release", "pause", "review"])
LABELLED = st.builds(
    case, OUTCOMES, OUTCOMES, st.integers(1, 9_999).map(lambda n: n / 100), st.sampled_from(["ok", "fraud"])
)


@settings(max_examples=25, deadline=None)
@given(st.lists(LABELLED, min_size=1, max_size=30), st.integers(0, 30))
def test_with_every_label_the_sums_are_exact_however_the_work_is_divided(cases: list[MeasuredCase], at: int) -> None:
    computed, tally = ComputedMeasures([SCREENED, PASSED, LOST]), ReplayTally()
    for some in (cases[at:], cases[:at]):
        part = ReplayTally()
        part.add_measures(computed.sums(some))
        tally.merge(part)

    def total(side: int, name: str) -> float:
        counted = [
            one
            for one in cases
            if name == "screened"
            or (one.judgements[side].ruling.outcome == "release" and (name == "passed" or valued(one) == "fraud"))
        ]
        return float(sum(Decimal(repr(one.given["amount"])) for one in counted))

    for change in changes_of(computed, tally.measures):
        assert change.silent is None
        assert change.decisions == len(cases)
        for side, found in enumerate((change.before, change.after)):
            assert found is not None
            assert found.total == found.low == found.high == pytest.approx(total(side, change.measure))
        assert change.difference is not None
        assert change.difference.total == pytest.approx(total(1, change.measure) - total(0, change.measure), abs=1e-6)


WEIGHED = st.lists(
    st.tuples(st.floats(1, 1000), st.sampled_from(["ok", "fraud"]), st.floats(0.2, 1)), min_size=40, max_size=80
)


@settings(max_examples=20, deadline=None)
@given(WEIGHED, st.integers(0, 20))
def test_drawn_labels_are_weighed_as_a_plain_ratio_estimator_does(
    drawn: list[tuple[float, str, float]], unseen: int
) -> None:
    cases = [case("pause", "release", *one) for one in drawn]
    cases += [case("pause", "release", 1.0, None) for _ in range(unseen)]
    cases += [case("pause", "pause", 7.0, None) for _ in range(500)]  # worth nothing, whatever was true of them
    (change,) = changes(cases, LOST)
    weights = np.array([1 / probability for _, _, probability in drawn])
    values = np.array([amount if label == "fraud" else 0.0 for amount, label, _ in drawn])
    count, open_ = len(drawn), len(drawn) + unseen
    assert change.before is not None
    assert (change.before.total, change.before.high) == (0.0, 0.0)
    if np.count_nonzero(values) < 5 or weights.sum() < 0.8 * open_:
        assert change.after is change.difference is None
        assert change.silent
        return
    if unseen == 0 and (weights == 1).all():
        return
    mean = np.average(values, weights=weights)
    spread = np.sqrt((weights**2 * (values - mean) ** 2).sum() * count / (count - 1)) / weights.sum()
    low, high = stats.t.interval(0.95, count - 1, mean, spread)
    for found in (change.after, change.difference):
        assert found is not None
        assert (found.total, found.low, found.high) == pytest.approx(
            (open_ * mean, open_ * low, open_ * high), abs=1e-6
        )
        assert found.labels == count


def test_the_difference_needs_labels_only_where_something_changes() -> None:
    same = [case("release", "release", 5.0, None) for _ in range(400)]
    flipped = [case("release", "pause", 10.0, "fraud" if number < 6 else "ok") for number in range(50)]
    (change,) = changes([*same, *flipped], LOST)
    assert change.before is change.after is None
    assert change.difference is not None
    assert (change.difference.total, change.difference.low, change.difference.high) == (-60.0, -60.0, -60.0)
    assert change.silent == (
        "0 of the 400 decisions whose value now depends on their label have a label, and 30 are needed"
    )


def test_silence_says_why() -> None:
    few = changes([case("release", "pause", 5.0, "fraud" if number < 29 else None) for number in range(60)], LOST)[0]
    assert few.silent == ("29 of the 60 decisions whose value changes have a label, and 30 are needed")
    rare = changes([case("release", "pause", 5.0, "fraud" if number < 4 else "ok", 0.9) for number in range(60)], LOST)[
        0
    ]
    assert rare.silent == ("4 labels of the decisions whose value changes are not 0, and an interval needs 5")
    early = changes([case("release", "pause", 5.0, None)._replace(due=False)], LOST, PASSED)
    assert [one.silent for one in early] == ["no decision's label is due yet", None]
    assert early[1].difference is not None
    assert early[1].difference.total == -5.0


def test_intervals_cover_what_the_labels_that_nobody_drew_say() -> None:
    rng, covered = np.random.default_rng(20_261_201), 0
    for _ in range(60):
        amounts, fraud, drawn = rng.integers(1, 100, 150), rng.random(150) < 0.4, rng.random(150) < 0.5
        cases = [
            case("pause", "release", float(amount), ("fraud" if is_fraud else "ok") if is_drawn else None, 0.5)
            for amount, is_fraud, is_drawn in zip(amounts, fraud, drawn, strict=True)
        ]
        (change,) = changes(cases, LOST)
        assert change.difference is not None
        covered += change.difference.low <= amounts[fraud].sum() <= change.difference.high
    assert covered >= 53  # 95% of 60, less two standard deviations

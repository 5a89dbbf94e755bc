"""The report of a replay: what it says, and that it says nothing of errors that the labels do not support."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from andon import MaxCost
from andon.decisions import Judgement, Risk
from andon.labels import LabelSource, ValidLabel
from andon.policies import Ruling
from andon.replays import ReplayReport, ReplayScope, ReplayTally, ReviewMinutes, report_of
from andon.replays.labelling import label_sums
from andon.serving import Prediction

SCOPE = ReplayScope(
    "bank", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), "what was decided", {"policy": "new"}
)
COSTS = MaxCost(2.0, {("fraud", "ok"): 5.0, ("ok", "fraud"): 400.0})


def judged(outcome: str, label: str) -> Judgement:
    prediction = Prediction(0.5, label, 0.95, {})
    return Judgement(prediction, Risk(outcome != "review", 0.9, 0.01), Ruling(outcome, outcome, ()))


def labelled(value: str, probability: float = 1.0) -> ValidLabel:
    return ValidLabel(value, LabelSource.BLIND_AUDIT, probability, True, UUID(int=1))


def report(
    cases: list[tuple[Judgement, Judgement, ValidLabel | None]], minutes: ReviewMinutes | None = None
) -> ReplayReport:
    tally = ReplayTally()
    before, after = [case[0] for case in cases], [case[1] for case in cases]
    tally.add(lambda number: UUID(int=number), [{}] * len(cases), before, after)
    tally.labels = label_sums(cases, COSTS)
    return report_of(tally, SCOPE, minutes or ReviewMinutes(None, "nobody knows"), costs=True)


RELEASED, PAUSED = judged("release", "ok"), judged("pause", "fraud")
REVIEWED, MISSED = judged("review", "ok"), judged("release", "ok")


def test_flips_shares_and_minutes() -> None:
    found = report(
        [(RELEASED, PAUSED, None)] * 3 + [(REVIEWED, RELEASED, None)] * 2 + [(PAUSED, PAUSED, None)] * 5,
        ReviewMinutes(4.0, "by 12 reviews"),
    )
    assert [(flip.before, flip.after, flip.decisions, flip.share) for flip in found.flips] == [
        ("release", "pause", 3, 0.3),
        ("review", "release", 2, 0.2),
    ]
    assert (found.automatic.share_before, found.automatic.share_after) == (0.8, 1.0)
    assert (found.reviews.before, found.reviews.after, found.reviews.minutes) == (2, 0, -8.0)
    assert found.as_json()["reviews"]["minutes"] == -8.0
    assert found.as_json()["asked"]["since"] == "2026-11-01T00:00:00+00:00"


def test_errors_are_weighted_by_how_likely_anybody_looked() -> None:
    certain = [(RELEASED, RELEASED, labelled("ok", 0.1))] * 95 + [(RELEASED, RELEASED, labelled("fraud", 0.1))] * 5
    unseen = [(RELEASED, RELEASED, None)] * 900
    opened = [(REVIEWED, RELEASED, labelled("fraud"))] * 50 + [(REVIEWED, RELEASED, labelled("ok"))] * 50
    found = report([*certain, *unseen, *opened])
    before, after = found.error.before, found.error.after
    assert before is not None
    assert after is not None
    assert before.mean == pytest.approx(0.05)
    assert after.mean == pytest.approx((50 + 50) / 1100)
    assert after.low < after.mean < after.high
    assert found.error.difference is not None
    assert found.error.difference.mean == pytest.approx(50 / 1100)
    assert found.cost is not None
    assert found.cost.after is not None
    assert found.cost.after.mean == pytest.approx(400 * 100 / 1100)


def test_nothing_is_said_of_errors_with_too_few_labels_or_where_nobody_looked() -> None:
    few = report([(RELEASED, RELEASED, labelled("ok"))] * 29 + [(RELEASED, RELEASED, None)])
    assert few.error.silent == "29 of the 30 decisions that would be automatic have a label, and 30 are needed"
    blind = report([(REVIEWED, RELEASED, labelled("ok"))] * 60 + [(RELEASED, RELEASED, None)] * 40)
    assert blind.error.silent is not None
    assert "labels represent 60% of the 100 decisions" in blind.error.silent
    none = report([(RELEASED, REVIEWED, labelled("ok"))] * 50)
    assert none.error.silent == "no decision whose label is due would be automatic"
    assert none.error.before is not None
    assert none.error.after is None

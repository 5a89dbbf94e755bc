"""Reports about one decision have the same end in whatever order they come, and none is recorded twice."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from andon import Truth
from andon.labels import Fate, Label, LabelSource, Settled, valid_label
from andon.labels.settling import MOST_OF_ONE, CandidateLabel, settle

DECIDED = datetime(2026, 11, 1, tzinfo=UTC)
TRUTH = Truth({"pause": "fraud", "release": "honest"}, matures=timedelta(days=5), unreported="honest")
NOW, AGAIN = DECIDED + timedelta(days=30), DECIDED + timedelta(days=31)

Said = tuple[str, LabelSource, int | None, float]
REPORTS = st.lists(
    st.tuples(
        st.sampled_from(["fraud", "honest"]),
        st.sampled_from([LabelSource.EVENT, LabelSource.IMPORT]),
        st.none() | st.integers(0, 4),
        st.sampled_from([1.0, 0.5]),
    ),
    max_size=8,
)


def candidates(said: Sequence[Said], now: datetime = NOW, first: int = 0) -> list[CandidateLabel]:
    """Return reports in order; a day of None is no time of its own."""
    found = []
    for number, (value, source, day, probability) in enumerate(said):
        known_at = now if day is None else DECIDED + timedelta(days=day)
        label = Label(
            UUID(int=first + number), UUID(int=99), "payments", value, value, source, probability, "olga", known_at, now
        )
        found.append(CandidateLabel(number, label, dated=day is not None))
    return found


def recorded(ends: dict[int, Settled]) -> list[Label]:
    return [one.label for one in ends.values() if one.fate is Fate.RECORDED and one.label is not None]


def truths(labels: Sequence[Label]) -> list[str | None]:
    """Return the valid label, day after day."""
    days = [DECIDED + timedelta(days=day) for day in (*range(6), 30, 31)]
    found = [valid_label(labels, TRUTH, outcome="release", decided_at=DECIDED, moment=day) for day in days]
    return [valid and f"{valid.value} {valid.source} {valid.probability}" for valid in found]


def fates(said: Sequence[Said], ends: dict[int, Settled]) -> Counter[tuple[Said, Fate]]:
    return Counter((said[number], end.fate) for number, end in ends.items())


@given(REPORTS, REPORTS, st.randoms(use_true_random=False))
def test_the_order_of_reports_does_not_matter(before: list[Said], said: list[Said], draw: random.Random) -> None:
    there = recorded(settle([], candidates(before, NOW - timedelta(days=1), 100), TRUTH))
    shuffled = draw.sample(said, len(said))
    one, other = (settle(there, candidates(order), TRUTH) for order in (said, shuffled))
    assert fates(said, one) == fates(shuffled, other)
    assert truths([*there, *recorded(one)]) == truths([*there, *recorded(other)])


@given(REPORTS, st.randoms(use_true_random=False))
def test_reports_with_their_own_times_may_come_in_any_number_of_calls(said: list[Said], draw: random.Random) -> None:
    dated = {(source, day or 0): (value, source, day or 0, probability) for value, source, day, probability in said}
    together = recorded(settle([], candidates(list(dated.values())), TRUTH))
    one_by_one: list[Label] = []
    for number, report in enumerate(draw.sample(list(dated.values()), len(dated))):
        one_by_one += recorded(settle(one_by_one, candidates([report], NOW + timedelta(hours=number), number), TRUTH))
    assert truths(one_by_one) == truths(together)
    assert len(one_by_one) == len(together) == len(dated)


@given(REPORTS, st.randoms(use_true_random=False))
def test_the_same_reports_again_record_nothing(said: list[Said], draw: random.Random) -> None:
    there = recorded(settle([], candidates(said), TRUTH))
    again = settle(there, candidates(draw.sample(said, len(said)), AGAIN, 100), TRUTH)
    assert recorded(again) == []


def test_reports_that_contradict_each_other_at_one_moment_are_both_refused_and_cost_no_other() -> None:
    event = LabelSource.EVENT
    said: list[Said] = [("fraud", event, 1, 1.0), ("honest", event, 1, 1.0), ("fraud", event, 2, 1.0)]
    ends = settle([], candidates(said), TRUTH)
    assert [ends[number].fate for number in range(3)] == [Fate.REFUSED, Fate.REFUSED, Fate.RECORDED]
    assert "contradicts it" in str(ends[0].error)


def test_far_too_many_reports_about_one_decision_are_refused() -> None:
    said: list[Said] = [("fraud", LabelSource.EVENT, day, 1.0) for day in range(MOST_OF_ONE + 1)]
    twice = settle([], candidates(said[:-1] * 2), TRUTH).values()
    assert {end.fate for end in twice} >= {Fate.RECORDED, Fate.REPEATED}
    assert {end.fate for end in settle([], candidates(said), TRUTH).values()} == {Fate.REFUSED}


def test_a_time_that_lay_a_little_ahead_is_a_repeat_when_it_comes_again() -> None:
    ahead = candidates([("fraud", LabelSource.EVENT, None, 1.0)])[0].label  # kept with the time of our clock
    (again,) = candidates([("fraud", LabelSource.EVENT, None, 1.0)], NOW + timedelta(seconds=3), 1)
    ends = settle([ahead], [CandidateLabel(0, again.label, dated=True)], TRUTH)
    assert (ends[0].fate, ends[0].label) == (Fate.REPEATED, ahead)

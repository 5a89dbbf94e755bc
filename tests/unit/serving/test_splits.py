"""What a split gives to whom: exact, sticky, and the rest to the champion."""

from hypothesis import given
from hypothesis import strategies as st

from andon.serving import BUCKETS, TrafficSplit

CHAMPION = 99
SHARES = st.dictionaries(st.integers(1, 9), st.integers(1, 10_000), max_size=4).filter(
    lambda given: sum(given.values()) <= 10_000
)


@given(SHARES)
def test_each_version_answers_for_exactly_its_share_and_the_champion_for_the_rest(hundredths: dict[int, int]) -> None:
    split = TrafficSplit("m", 1, {version: share / 100 for version, share in hundredths.items()})
    answered = [split.version_for(bucket, CHAMPION) for bucket in range(BUCKETS)]
    for version, percent in split.answering(CHAMPION).items():
        assert answered.count(version) == round(percent * 100)
    assert round(sum(split.answering(CHAMPION).values()), 2) == 100


def test_a_champion_that_has_a_share_too_answers_for_both() -> None:
    assert TrafficSplit("m", 1, {1: 10.0, 2: 20.0}).answering(1) == {1: 80.0, 2: 20.0}


def test_where_all_is_given_away_the_champion_does_not_answer() -> None:
    assert TrafficSplit("m", 1, {2: 99.99, 3: 0.01}).answering(1) == {2: 99.99, 3: 0.01}


def test_a_shadow_that_became_the_champion_looks_on_no_more_unless_all_is_given_away() -> None:
    some = TrafficSplit("m", 1, {2: 10.0}, shadows=(3, 4))
    assert (some.looking_on(1), some.looking_on(3), some.looking_on(None)) == ((3, 4), (4,), (3, 4))
    assert TrafficSplit("m", 1, {2: 100.0}, shadows=(3, 4)).looking_on(3) == (3, 4)


def test_a_split_is_told_whole_also_when_the_champion_is_named_in_it() -> None:
    assert TrafficSplit("m", 1, {2: 0.4, 1: 0.6}).told == "version 1: 0.6 %, version 2: 0.4 %, the rest to the champion"
    assert TrafficSplit("m", 1, {2: 99.99, 3: 0.01}).told == "version 2: 99.99 %, version 3: 0.01 %"
    assert TrafficSplit("m", 1, {}).told == TrafficSplit("m").told == "all to the champion"

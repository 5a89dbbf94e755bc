"""What a split gives to whom: exact, sticky, and the rest to the champion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.serving import BUCKETS, Assignment, Candidate, Chosen, TrafficSplit, arm_of, gate_fault, proven_arm
from arms import shares_of

CHAMPION = Candidate(99)
SHARES = st.dictionaries(
    st.builds(Candidate, st.integers(1, 9), st.sampled_from(["", "0123456789ab"])), st.integers(1, 10_000), max_size=4
).filter(lambda given: sum(given.values()) <= 10_000)


@given(SHARES)
def test_each_version_answers_for_exactly_its_share_and_the_champion_for_the_rest(
    hundredths: dict[Candidate, int],
) -> None:
    split = TrafficSplit("a", "m", 1, {version: share / 100 for version, share in hundredths.items()})
    answered = [split.candidate_for(bucket, CHAMPION) for bucket in range(BUCKETS)]
    for version, percent in split.answering(CHAMPION.version).items():
        assert answered.count(version) == round(percent * 100)
    assert round(sum(split.answering(CHAMPION.version).values()), 2) == 100


def test_a_champion_that_has_a_share_too_answers_for_both() -> None:
    assert TrafficSplit("a", "m", 1, shares_of({1: 10.0, 2: 20.0})).answering(1) == shares_of({1: 80.0, 2: 20.0})


def test_where_all_is_given_away_the_champion_does_not_answer() -> None:
    assert TrafficSplit("a", "m", 1, shares_of({2: 99.99, 3: 0.01})).answering(1) == shares_of({2: 99.99, 3: 0.01})


def test_a_shadow_that_became_the_champion_looks_on_no_more_unless_all_is_given_away() -> None:
    some = TrafficSplit("a", "m", 1, shares_of({2: 10.0}), shadows=(Candidate(3), Candidate(4)))
    assert (some.looking_on(1), some.looking_on(3), some.looking_on(None)) == (
        (Candidate(3), Candidate(4)),
        (Candidate(4),),
        (Candidate(3), Candidate(4)),
    )
    assert TrafficSplit("a", "m", 1, shares_of({2: 100.0}), shadows=(Candidate(3), Candidate(4))).looking_on(3) == (
        Candidate(3),
        Candidate(4),
    )


def test_a_split_is_told_whole_also_when_the_champion_is_named_in_it() -> None:
    assert (
        TrafficSplit("a", "m", 1, shares_of({2: 0.4, 1: 0.6})).summary
        == "version 1: 0.6 %, version 2: 0.4 %, the rest to the champion"
    )
    assert TrafficSplit("a", "m", 1, shares_of({2: 99.99, 3: 0.01})).summary == "version 2: 99.99 %, version 3: 0.01 %"
    assert TrafficSplit("a", "m", 1, {}).summary == TrafficSplit("a", "m").summary == "all to the champion"


def test_a_candidate_is_read_as_it_is_written() -> None:
    for text in ("8", "8+3f2a9c01d2e4", "8~0", "8~0.93", "8+3f2a9c01d2e4~0.000001", "8~1", "8~2"):
        assert str(Candidate.parse(text)) == text
    for wrong in ("", "0", "08", "8+", "8+3f2a", "8+3F2A9C01D2E4", "v8", "8 + 3f2a9c01d2e4", "8~", "8~2.1", "8~.9"):
        with pytest.raises(ValueError, match="VERSION"):
            Candidate.parse(wrong)


@given(st.integers(1, 9), st.sampled_from(["", "0123456789ab"]), st.none() | st.integers(0, 2_000_000))
def test_each_threshold_names_another_candidate_and_arm_of_the_same_proof(
    version: int, policy: str, millionths: int | None
) -> None:
    candidate = Candidate(version, policy, None if millionths is None else millionths / 1e6)
    plain = candidate._replace(gate=None)
    assert Candidate.parse(str(candidate)) == candidate
    arm, proven = (arm_of("fraud-risk", one, in_force="ba9876543210") for one in (candidate, plain))
    assert proven_arm(arm) == proven
    assert (arm == proven) == (candidate.gate is None)
    assert sorted([candidate, plain]) == sorted([plain, candidate])
    assert Assignment.to(candidate, Chosen.SPLIT, 3, 5).candidate == candidate


def test_a_threshold_has_at_most_six_decimals_and_lies_between_0_and_2() -> None:
    assert [bool(gate_fault(gate)) for gate in (None, 0.0, 0.123456, 2.0)] == [False] * 4
    assert [bool(gate_fault(gate)) for gate in (-0.1, 0.1234567, 2.5, float("nan"))] == [True] * 4

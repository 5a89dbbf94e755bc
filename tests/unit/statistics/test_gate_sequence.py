import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from andon.statistics.gate_sequence import (
    BEGINNINGS,
    ENOUGH,
    FIRST_SHARE,
    Beginning,
    beginnings_of,
    foreseen_start,
    proven_rows,
)

SCORES = st.lists(st.floats(-5, 12), min_size=1, max_size=30)
NONE = np.zeros(30, np.bool_)


@settings(deadline=None)
@given(SCORES, st.floats(0.001, 0.2))
def test_one_beginning_is_the_plain_fixed_sequence(scores: list[float], level: float) -> None:
    expected = []
    for score in scores:
        if score < -np.log(level):
            break
        expected.append(True)
    found = proven_rows(np.array(scores), (Beginning(0, 1.0),), level, NONE[: len(scores)])
    assert found.tolist() == expected + [False] * (len(scores) - len(expected))


@settings(deadline=None)
@given(SCORES, st.data())
def test_more_evidence_never_proves_less(scores: list[float], data: st.DataObject) -> None:
    size = len(scores)
    rows = sorted(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=3)))
    beginnings = tuple(Beginning(row, 1.0 / len(rows)) for row in rows)
    more = np.array(scores) + data.draw(st.lists(st.floats(0, 3), min_size=size, max_size=size))
    less = proven_rows(np.array(scores), beginnings, 0.05, NONE[:size])
    assert (less <= proven_rows(more, beginnings, 0.05, NONE[:size])).all()


def test_a_sequence_hands_its_part_of_the_level_on() -> None:
    beginnings = (Beginning(0, 0.5), Beginning(2, 0.5))
    half, whole = -np.log(0.025), -np.log(0.05)
    enough = proven_rows(np.array([half, half, whole, whole]), beginnings, 0.05, NONE[:4])
    assert enough.tolist() == [True, True, True, True]
    broken = proven_rows(np.array([half, 0.0, whole, half]), beginnings, 0.05, NONE[:4])
    assert broken.tolist() == [True, False, False, False]
    again = proven_rows(np.array([0.0, 0.0, half, half]), beginnings, 0.05, NONE[:4])
    assert again.tolist() == [False, False, True, True]


def test_a_proof_that_is_held_needs_no_new_one_but_its_sequence_does() -> None:
    held = np.array([False, True, False])
    assert proven_rows(np.array([9.0, 0.0, 9.0]), (Beginning(0, 1.0),), 0.05, held).tolist() == [True, True, True]
    assert proven_rows(np.array([0.0, 0.0, 9.0]), (Beginning(0, 1.0),), 0.05, held).tolist() == [False, False, False]


def test_sequences_begin_where_planned_rows_are_enough() -> None:
    planned = np.arange(10.0, 4010.0, 10.0)
    rows = [planned[beginning.row] for beginning in beginnings_of(planned, 299)]
    assert rows == [np.ceil(ENOUGH * 299 * multiple / 10) * 10 for multiple, _ in BEGINNINGS]
    few = beginnings_of(np.arange(1.0, 101.0), 299)
    assert few[0].row == FIRST_SHARE * 100 - 1
    assert abs(sum(beginning.part for beginning in few) - 1) < 1e-12
    assert beginnings_of(np.array([]), 299) == ()


def test_a_wide_test_that_will_hardly_succeed_is_left_for_a_likelier_one_only() -> None:
    wide, planned, wide_errors = Beginning(1, 1.0), (10, 100), (1000, 60)
    narrower_proves_nothing = foreseen_start(planned, ((50, 0), wide_errors), wide, 0.05, 0.05)
    assert narrower_proves_nothing is None
    assert foreseen_start((80, 100), ((500, 0), wide_errors), wide, 0.05, 0.05) == 0
    assert foreseen_start((80, 100), ((500, 490), wide_errors), wide, 0.05, 0.05) is None

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from andon.statistics.gate_sequence import (
    ENOUGH,
    FEW_PART,
    FEW_ROWS,
    MAIN_PART,
    NARROW,
    NO_ROWS,
    WIDER,
    Beginning,
    beginnings_of,
    foreseen_start,
    proven_rows,
)

SCORES = st.lists(st.floats(-5, 12), min_size=1, max_size=30)
NONE = np.zeros(30, np.bool_)


@st.composite
def graphs(draw: st.DrawFn, size: int) -> tuple[Beginning, ...]:
    """Draw one to four beginnings among so many rows."""
    rows = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4, unique=True))
    parts = np.array(draw(st.lists(st.floats(0.05, 1), min_size=len(rows), max_size=len(rows))))
    ahead = draw(st.sampled_from([0.0, 0.15, 0.5]))
    return tuple(Beginning(row, part, ahead) for row, part in zip(rows, (parts / parts.sum()).tolist(), strict=True))


def rejected_by_graph(scores: list[float], beginnings: tuple[Beginning, ...], level: float) -> set[int]:
    """Reject hypotheses one at a time, the last possible one first, as Bretz et al. 2009 (algorithm 1) do."""
    size, rows = len(scores), sorted(beginning.row for beginning in beginnings)
    weights, edges = np.zeros(size), np.zeros((size, size))
    for beginning in beginnings:
        weights[beginning.row] = beginning.part
    for row in range(size - 1):
        edges[row, row + 1] = 1.0
    for beginning in beginnings:
        later = [row for row in rows if row > beginning.row]
        if later:
            edges[beginning.row, beginning.row + 1] -= beginning.ahead
            edges[beginning.row, later[0]] += beginning.ahead
    left, rejected = set(range(size)), set[int]()
    while True:
        possible = [row for row in left if weights[row] > 0 and scores[row] >= -math.log(level * weights[row])]
        if not possible:
            return rejected
        gone = max(possible)
        left.remove(gone)
        rejected.add(gone)
        weights = weights + weights[gone] * edges[gone]
        through = np.outer(edges[:, gone], edges[gone])
        loops = np.outer(edges[:, gone], np.ones(size)) * edges[gone][:, None]
        edges = np.where(loops < 1, (edges + through) / np.where(loops < 1, 1 - loops, 1), 0.0)
        weights[gone], edges[gone], edges[:, gone] = 0.0, 0.0, 0.0
        np.fill_diagonal(edges, 0.0)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(-2, 9), min_size=1, max_size=14), st.data())
def test_the_walk_is_the_sequentially_rejective_graph_in_any_order(scores: list[float], data: st.DataObject) -> None:
    beginnings = data.draw(graphs(len(scores)))
    found, parts = proven_rows(np.array(scores), beginnings, 0.05, NONE[: len(scores)])
    assert set(np.flatnonzero(found).tolist()) == rejected_by_graph(scores, beginnings, 0.05)
    assert parts[~found].sum() <= 1.0 + 1e-9


def test_a_wiggle_does_not_end_what_lies_behind_it() -> None:
    scores = np.full(30, 9.0)
    scores[9:12] = 0.0
    plain, (start, end) = (Beginning(0, 1.0),), (Beginning(0, 0.9, 0.2), Beginning(15, 0.1))
    assert proven_rows(scores, plain, 0.05, NONE)[0].sum() == 9
    found, parts = proven_rows(scores, (start, end), 0.05, NONE)
    assert np.flatnonzero(~found).tolist() == [9, 10, 11, 12, 13, 14]
    np.testing.assert_allclose([parts[8], parts[9], parts[15]], [0.72, 0.72, 0.28])


def test_where_all_is_bad_little_is_ever_proven() -> None:
    """Scores of uniform p-values, alike or independent: at most the level is proven, for any table of rows."""
    rng, runs = np.random.default_rng(5), 4000
    planned = np.arange(10.0, 3010.0, 10.0)
    beginnings = beginnings_of(planned, 59)
    none = np.zeros(300, np.bool_)
    for alike in (True, False):
        draws = -np.log(rng.random((runs, 1 if alike else 300)) * np.ones((1, 300)))
        wrong = sum(bool(proven_rows(draw, beginnings, 0.05, none)[0].any()) for draw in draws)
        assert wrong <= 0.05 * runs + 3 * math.sqrt(0.05 * runs)


@settings(deadline=None)
@given(SCORES, st.floats(0.001, 0.2))
def test_one_beginning_is_the_plain_fixed_sequence(scores: list[float], level: float) -> None:
    expected = []
    for score in scores:
        if score < -np.log(level):
            break
        expected.append(True)
    found, _ = proven_rows(np.array(scores), (Beginning(0, 1.0),), level, NONE[: len(scores)])
    assert found.tolist() == expected + [False] * (len(scores) - len(expected))


@settings(deadline=None)
@given(SCORES, st.data())
def test_more_evidence_never_proves_less(scores: list[float], data: st.DataObject) -> None:
    size = len(scores)
    beginnings = data.draw(graphs(size))
    more = np.array(scores) + data.draw(st.lists(st.floats(0, 3), min_size=size, max_size=size))
    less, _ = proven_rows(np.array(scores), beginnings, 0.05, NONE[:size])
    assert (less <= proven_rows(more, beginnings, 0.05, NONE[:size])[0]).all()


def test_a_sequence_hands_its_part_of_the_level_on() -> None:
    beginnings = (Beginning(0, 0.5), Beginning(2, 0.5))
    half, whole = -np.log(0.025), -np.log(0.05)
    enough, _ = proven_rows(np.array([half, half, whole, whole]), beginnings, 0.05, NONE[:4])
    assert enough.tolist() == [True, True, True, True]
    broken, _ = proven_rows(np.array([half, 0.0, whole, half]), beginnings, 0.05, NONE[:4])
    assert broken.tolist() == [True, False, False, False]
    again, _ = proven_rows(np.array([0.0, 0.0, half, half]), beginnings, 0.05, NONE[:4])
    assert again.tolist() == [False, False, True, True]


def test_a_proof_that_is_held_needs_no_new_one_but_its_sequence_does() -> None:
    held, whole = np.array([False, True, False]), (Beginning(0, 1.0),)
    assert proven_rows(np.array([9.0, 0.0, 9.0]), whole, 0.05, held)[0].tolist() == [True, True, True]
    assert proven_rows(np.array([0.0, 0.0, 9.0]), whole, 0.05, held)[0].tolist() == [False, False, False]


def test_sequences_begin_where_planned_rows_are_enough() -> None:
    planned = np.arange(10.0, 4010.0, 10.0)
    found = beginnings_of(planned, 299)
    multiples = [1.0, NARROW[0], WIDER, WIDER**2, WIDER**3]
    expected = [np.ceil(ENOUGH * 299 * multiple / 10) * 10 for multiple in multiples]
    assert [planned[beginning.row] for beginning in found] == expected
    assert (found[0].part, found[1].part) == (MAIN_PART, NARROW[1])
    few = beginnings_of(np.arange(1.0, 501.0), 299)
    assert [beginning.row + 1 for beginning in few] == [350, *(share * 500 for share, _ in FEW_ROWS)]
    assert few[0].part == FEW_PART
    none = beginnings_of(np.arange(1.0, 101.0), 299)
    assert [beginning.row + 1 for beginning in none] == [share * 100 for share, _ in NO_ROWS]
    for some in (found, few, none):
        assert abs(sum(beginning.part for beginning in some) - 1) < 1e-12
    assert beginnings_of(np.array([]), 299) == ()


@settings(deadline=None)
@given(st.lists(st.integers(0, 900), min_size=1, max_size=40), st.integers(1, 400))
def test_any_table_gets_the_whole_level_and_no_more(counts: list[int], fewest: int) -> None:
    found = beginnings_of(np.cumsum(np.array(counts, float)), fewest)
    assert all(0 <= beginning.row < len(counts) for beginning in found)
    assert abs(sum(beginning.part for beginning in found) - 1) < 1e-9


def test_a_wide_test_that_will_hardly_succeed_is_left_for_a_likelier_one_only() -> None:
    wide, planned, wide_errors = Beginning(1, 1.0), (10, 100), (1000, 60)
    narrower_proves_nothing = foreseen_start(planned, ((50, 0), wide_errors), wide, 0.05, 0.05)
    assert narrower_proves_nothing is None
    assert foreseen_start((80, 100), ((500, 0), wide_errors), wide, 0.05, 0.05) == 0
    assert foreseen_start((80, 100), ((500, 490), wide_errors), wide, 0.05, 0.05) is None

"""Moves add up to the open ends of their way, in whatever order they are read."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from andon.streams.ways import Ways

LOG = ("stream:payments/kafka:transfers", "0")


@given(positions=st.lists(st.integers(0, 20), min_size=1, max_size=12), data=st.data())
def test_a_way_has_its_two_ends_whatever_the_order(positions: list[int], data: st.DataObject) -> None:
    moves = list(pairwise(positions))
    ways, others = Ways(), Ways()
    for first, after in data.draw(st.permutations([(None, positions[0]), *moves])):
        data.draw(st.sampled_from([ways, others])).step(LOG, first, after)
    read = Ways.of_document(ways.document()).joined(others)
    assert read.pop(LOG) == {positions[-1]: 1}


@given(positions=st.lists(st.integers(0, 20), min_size=2, max_size=12), data=st.data())
def test_a_jump_in_the_middle_leaves_two_more_ends(positions: list[int], data: st.DataObject) -> None:
    jump = data.draw(st.integers(0, len(positions) - 1))
    ways = Ways()
    ways.step(LOG, None, positions[0])
    for number, (first, after) in enumerate(pairwise(positions)):
        ways.step(LOG, first + 100 * (number >= jump), after + 100 * (number >= jump))
    last = positions[-1] + 100 * (jump < len(positions) - 1)
    ways.step(LOG, last, None)
    broken = ways.pop(LOG)
    assert sum(broken.values()) == 0
    assert bool(broken) == (last != positions[-1])

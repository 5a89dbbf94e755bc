"""A header says what follows; what is none is noticed before anything is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.serving.isolated import frames
from andon.serving.isolated.frames import FrameBroken, FrameHead, head_of, read_head

small = st.integers(0, 1000)
nanoseconds = st.integers(0, 2**63)


@given(small, small, nanoseconds, nanoseconds)
def test_a_header_comes_out_as_it_went_in(rows: int, columns: int, cpu_ns: int, rss: int) -> None:
    data = head_of(frames.ANSWER, 8 * rows * columns, rows=rows, columns=columns, cpu_ns=cpu_ns, rss_bytes=rss)
    assert len(data) == frames.HEADER.size
    assert read_head(data) == FrameHead(frames.ANSWER, rows, columns, 8 * rows * columns, cpu_ns, rss)


@given(st.binary(min_size=frames.HEADER.size, max_size=frames.HEADER.size))
def test_other_bytes_are_no_header(data: bytes) -> None:
    with pytest.raises(FrameBroken):
        read_head(data)


@pytest.mark.parametrize(
    "data",
    [
        head_of(frames.ANSWER, 8, rows=2, columns=2),
        head_of(frames.ROWS, 0, rows=2**32 - 1, columns=2**32 - 1),
        head_of(frames.FAILED, frames.LARGEST_BODY + 1),
        head_of(7, 0),
        head_of(0, 0),
    ],
    ids=["too short", "far too short", "too large", "unknown kind", "no kind"],
)
def test_a_header_that_contradicts_itself_is_refused(data: bytes) -> None:
    with pytest.raises(FrameBroken):
        read_head(data)

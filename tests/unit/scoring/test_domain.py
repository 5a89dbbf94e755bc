"""A row of a run always has the same decision id, and no other row has it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from andon.kernel.ids import time_of, uuid7, uuid7_in
from andon.scoring import Interval, Scored

MOMENTS = st.integers(10**6, 2 * 10**15).map(lambda us: datetime(1971, 1, 1, tzinfo=UTC) + timedelta(microseconds=us))
ROWS = st.integers(0, 2**40 - 1)


@given(st.uuids(), MOMENTS, ROWS)
def test_an_id_is_a_uuid_of_version_7_that_tells_its_moment(series: UUID, at: datetime, row: int) -> None:
    made = uuid7_in(series, at, row)
    assert made == uuid7_in(series, at, row)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert timedelta(0) <= at - time_of(made) < timedelta(milliseconds=2)


@given(st.uuids(), MOMENTS, ROWS, ROWS)
def test_ids_of_one_moment_lie_in_the_order_of_the_rows(series: UUID, at: datetime, one: int, other: int) -> None:
    assert (uuid7_in(series, at, one) < uuid7_in(series, at, other)) == (one < other)


@given(MOMENTS, ROWS)
def test_two_series_of_one_moment_share_no_id(at: datetime, row: int) -> None:
    assert uuid7_in(uuid7(at), at, row) != uuid7_in(uuid7(at), at, row)


def test_an_interval_is_added_to_what_is_known_of_a_row() -> None:
    row = Scored(1, score=0.5)
    assert row.within(None) is row
    assert row.within(Interval(0.4, 0.6)) == row._replace(interval_low=0.4, interval_high=0.6)

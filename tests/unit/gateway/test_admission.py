"""A token bucket never lets more through than its burst and rate allow, whatever the order of calls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.gateway.admission import Bucket


@given(st.integers(1, 50), st.floats(0.1, 100), st.lists(st.floats(0, 2), max_size=200))
def test_no_more_is_let_in_than_burst_and_rate_allow(capacity: int, per_second: float, pauses: list[float]) -> None:
    bucket, now, taken = Bucket(capacity, per_second, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now) >= 0
    assert taken <= capacity + per_second * now + 1e-6


@given(st.integers(1, 20), st.floats(0.1, 100))
def test_who_waits_as_long_as_told_is_let_in(capacity: int, per_second: float) -> None:
    bucket = Bucket(capacity, per_second, 0.0)
    while bucket.take(0.0) >= 0:
        pass
    assert bucket.take(bucket.wait() + 1e-6) >= 0


def test_a_full_bucket_does_not_overflow() -> None:
    bucket = Bucket(2, 1.0, 0.0)
    assert [bucket.take(1000.0) for _ in range(2)] == pytest.approx([1, 0])
    assert bucket.take(1000.0) < 0

"""The rate of a stream follows what came lately."""

from hypothesis import given
from hypothesis import strategies as st

from andon.streams.rate import SPAN_SECONDS, Rate


@given(st.lists(st.tuples(st.floats(0.5, 3.0), st.integers(0, 5000)), min_size=1, max_size=40))
def test_it_lies_between_the_slowest_and_the_fastest_of_what_it_looks_back_on(looks: list[tuple[float, int]]) -> None:
    rate, now, rates = Rate(0.0), 0.0, []
    for pause, events in looks:
        rate.add(events)
        now += pause
        rates.append((now, events / pause))
        told = rate.per_second(now)
        within = [r for at, r in rates if now - at <= SPAN_SECONDS + 3.0]
        assert min(within) * 0.999 <= told <= max(within) * 1.001


def test_it_is_none_before_anything_came_and_falls_to_none_when_nothing_comes() -> None:
    rate = Rate(100.0)
    assert rate.per_second(100.0) == 0.0
    rate.add(1000)
    assert rate.per_second(102.0) == 500.0
    for now in range(104, 116, 2):
        told = rate.per_second(float(now))
    assert told == 0.0

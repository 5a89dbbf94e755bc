"""Sums merge in any order and stay bounded."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from andon.monitors.sums import MOST_KEYS, OTHER, added, counted, quantile, slower, total

numbers = st.integers(-(10**6), 10**6)
nested = st.fixed_dictionaries(
    {"decisions": numbers, "bins": st.lists(numbers, min_size=3, max_size=3)},
    optional={
        "rules": st.dictionaries(st.sampled_from("abcd"), numbers),
        "deep": st.fixed_dictionaries({"n": numbers}),
    },
)


@given(st.lists(nested, min_size=1, max_size=6), st.randoms())
def test_windows_merge_to_the_same_in_any_order(windows: list[dict[str, object]], random: object) -> None:
    shuffled = list(windows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert total(windows) == total(shuffled)


@given(nested, nested, nested)
def test_days_are_sums_of_hours(one: dict[str, object], two: dict[str, object], three: dict[str, object]) -> None:
    assert added(added(one, two), three) == added(one, added(two, three))


@given(st.lists(st.integers(0, 2000).map(str)))
def test_however_many_values_there_are_none_is_lost_and_few_are_kept(values: list[str]) -> None:
    counts = counted(values)
    assert sum(counts.values()) == len(values)
    assert len(counts) <= MOST_KEYS
    merged = added(counts, counted([f"new {one}" for one in values]))
    assert sum(merged.values()) == 2 * len(values)
    assert len(merged) <= MOST_KEYS + 1
    if len(Counter(values)) >= MOST_KEYS:
        assert OTHER in counts


def test_quantiles_of_bands() -> None:
    assert quantile({}, 0.99) is None
    assert quantile({"5": 99, "9": 1}, 0.99) == 5
    assert quantile({"5": 98, "9": 2}, 0.99) == 9
    assert slower({"5": 98, "9": 2}, 5) == 2

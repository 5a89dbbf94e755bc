"""Two distributions as bars: as high as their shares, side by side within their bin, and nothing without data."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.console.distributions import HEIGHT, WIDTH, bins_of, others_of

COUNTS = st.floats(0, 1e9, allow_nan=False)
PAIRS = st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=30)


@given(PAIRS)
def test_bars_are_as_high_as_shares_and_stay_within_their_bin(pairs: list[tuple[float, float]]) -> None:
    expected, observed = ([pair[side] for pair in pairs] for side in (0, 1))
    labels = [f"c{number}" for number in range(len(pairs))]
    bins = bins_of({"reference": expected, "current": observed, "labels": labels})
    assert [one.label for one in bins] == labels
    highest = max([one.expected for one in bins] + [one.observed for one in bins])
    for place, one in enumerate(bins):
        left, right = place * WIDTH / len(bins), (place + 1) * WIDTH / len(bins)
        for bar, share in zip(one.bars, (one.expected, one.observed), strict=True):
            assert left - 0.01 <= bar.x <= bar.x + bar.width <= right + 0.02
            assert abs(bar.y + bar.height - HEIGHT) < 0.02
            assert abs(bar.height - (HEIGHT * share / highest if highest else 0)) < 0.01
    if sum(expected):
        assert abs(sum(one.expected for one in bins) - 1) < 1e-6


def test_few_names_are_written_below() -> None:
    bins = bins_of({"reference": [1] * 22, "current": [2] * 22, "labels": list(range(22))})
    assert (bins[0].label, bins[-1].label) == ("0", "21")
    assert sum(one.labelled for one in bins) <= 8


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"reference": [1, 2], "current": [1, 2]},
        {"reference": [1, 2], "current": [1], "labels": ["a", "b"]},
        {"reference": [1, -2], "current": [1, 2], "labels": ["a", "b"]},
        {"reference": [1, None], "current": [1, 2], "labels": ["a", "b"]},
        {"reference": [], "current": [], "labels": []},
        {"reference": 3.0, "current": 4.0, "labels": []},
    ],
)
def test_what_is_no_pair_of_distributions_has_no_bars(detail: dict[str, Any]) -> None:
    assert bins_of(detail) == ()
    assert not {"reference", "current"} & others_of(detail).keys()

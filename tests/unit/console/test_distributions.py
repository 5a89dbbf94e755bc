"""Two distributions as bars: as high as their shares, side by side within their bin, and nothing where there are none."""

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
    bins = bins_of({"expected": expected, "observed": observed, "labels": labels})
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


def test_edges_name_the_bins_and_few_names_are_written_below() -> None:
    bins = bins_of({"expected": [1] * 20, "observed": [2] * 20, "edges": [float(edge) for edge in range(21)]})
    assert (bins[0].label, bins[-1].label) == ("0 to 1", "19 to 20")
    assert sum(one.labelled for one in bins) <= 8


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"expected": [1, 2], "observed": [1, 2]},
        {"expected": [1, 2], "observed": [1], "labels": ["a", "b"]},
        {"expected": [1, 2], "observed": [1, 2], "edges": [0, 1]},
        {"expected": [1, -2], "observed": [1, 2], "labels": ["a", "b"]},
        {"expected": [1, None], "observed": [1, 2], "labels": ["a", "b"]},
        {"expected": [], "observed": [], "labels": []},
        {"expected": 3.0, "observed": 4.0},
    ],
)
def test_what_is_no_pair_of_distributions_has_no_bars(detail: dict[str, Any]) -> None:
    assert bins_of(detail) == ()
    assert not {"expected", "observed"} & others_of(detail).keys()

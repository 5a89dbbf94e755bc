"""Rates by group, held to scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from andon.statistics.fairness import holm, rates_by_group
from andon.statistics.proportions import NOTHING, Proportion


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=8))
def test_holms_correction_is_the_largest_of_its_steps(p_values: dict[str, float]) -> None:
    ordered = sorted(p_values.values())
    steps = [min(p * (len(ordered) - rank), 1) for rank, p in enumerate(ordered)]
    found = sorted(holm(p_values).values())
    assert found == pytest.approx(np.maximum.accumulate(steps).tolist() if steps else [])


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(1, 50))
def test_two_groups_are_compared_with_each_other(a: int, b: int, c: int, d: int) -> None:
    one, other = rates_by_group({"one": Proportion(a, a + b), "other": Proportion(c, c + d)})
    tails = (stats.fisher_exact([[a, b], [c, d]], alternative=side).pvalue for side in ("greater", "less"))
    wanted = min(2 * min(min(tails) * 2, 1), 1)
    assert one.p_value == pytest.approx(wanted)
    assert other.p_value == pytest.approx(wanted)
    assert one.difference == pytest.approx(-other.difference)


def test_a_group_decided_differently_is_found_among_many() -> None:
    groups = {f"group {at}": Proportion(300, 1000) for at in range(9)} | {"odd": Proportion(200, 1000)}
    found = rates_by_group(groups)
    assert [one.group for one in found if one.p_value < 0.001] == ["odd"]


@pytest.mark.parametrize("groups", [{}, {"alone": Proportion(3, 10)}, {"empty": NOTHING, "other": Proportion(0, 5)}])
def test_a_group_that_is_alone_or_empty_is_no_finding(groups: dict[str, Proportion]) -> None:
    assert all(one.p_value == 1 for one in rates_by_group(groups))


def test_equal_groups_seldom_differ() -> None:
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(200):
        groups = {
            str(at): Proportion(int(rng.binomial(n, 0.1)), int(n)) for at, n in enumerate(rng.integers(20, 500, 6))
        }
        found += any(one.p_value <= 0.05 for one in rates_by_group(groups))
    assert found <= 0.09 * 200

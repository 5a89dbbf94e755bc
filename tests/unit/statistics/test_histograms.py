"""Histograms in fixed bins, held to numpy's and to counting by hand."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from andon.statistics.histograms import BINS, Binning, Histograms, category, measured, numeric, reference_of

ANY = st.floats(allow_nan=True, allow_infinity=True, width=64)
EDGES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30, unique=True).map(sorted)


@given(EDGES, st.lists(ANY, max_size=60), st.integers(0, 3))
def test_each_value_lies_in_one_cell_as_numpy_and_the_rules_of_the_ends_say(
    edges: list[float], values: list[float], at: int
) -> None:
    values = [*values, edges[0], edges[-1]] if at else values
    histogram = reference_of([numeric("x", edges, [1] * (len(edges) - 1))]).binning.count(np.array(values)[:, None])
    finite = np.array([one for one in values if np.isfinite(one)])
    size = len(edges) - 1
    row = histogram.counts[0]
    assert row[1 : size + 1].tolist() == np.histogram(finite, edges)[0].tolist()
    assert histogram.outside[0].tolist() == [(finite < edges[0]).sum(), (finite > edges[-1]).sum()]
    assert histogram.missing[0] == np.isnan(values).sum()
    assert histogram.infinite[0] == np.isinf(values).sum()
    assert histogram.rows[0] == len(values)


@given(st.integers(1, 100), st.lists(st.sampled_from(["known 0", "known 1", "known 70", "new", None]), max_size=50))
def test_categories_are_counted_by_name_and_new_ones_apart(known: int, values: list[str | None]) -> None:
    reference = reference_of([category("c", {f"known {n}": 1 for n in range(known)})])
    bins = reference.binning.features[0]
    histogram = reference.binning.count(bins.codes(values)[:, None])
    counted = Counter(value if value is None or value in bins.categories else "unseen" for value in values)
    assert dict(zip(bins.labels, histogram.counts[0].tolist(), strict=False)) | {"": 0} == {
        **{label: counted[label] for label in bins.labels},
        "": 0,
    }
    assert histogram.missing[0] == counted[None]


@given(arrays(np.float64, st.tuples(st.integers(0, 40), st.just(3)), elements=ANY), st.integers(0, 40))
def test_two_parts_added_are_the_whole(matrix: np.ndarray, cut: int) -> None:
    binning = mixed().binning
    assert (binning.count(matrix[:cut]) + binning.count(matrix[cut:])).counts.tolist() == binning.count(
        matrix
    ).counts.tolist()


@given(arrays(np.float64, st.tuples(st.integers(0, 40), st.just(3)), elements=ANY))
def test_what_is_written_is_read_back(matrix: np.ndarray) -> None:
    histograms = mixed().binning.count(matrix)
    binning = Binning.from_json(histograms.binning.to_json())
    assert binning == histograms.binning
    assert Histograms.from_json(binning, histograms.to_json()).counts.tolist() == histograms.counts.tolist()


def test_many_rows_are_counted_as_few() -> None:
    matrix = np.random.default_rng(5).normal(size=(5000, 3))
    binning = mixed().binning
    one_by_one = sum((binning.count(row[None, :]) for row in matrix[:300]), binning.empty())
    assert binning.count(matrix[:300]).counts.tolist() == one_by_one.counts.tolist()
    assert binning.count(matrix).rows.tolist() == [5000] * 3


def test_a_measured_reference_has_its_outermost_values_apart() -> None:
    values = np.random.default_rng(3).normal(size=20_000)
    found = measured("x", values)
    assert found.bins.edges[-2] == pytest.approx(np.quantile(values, 0.999))
    assert len(found.bins.edges) == BINS + 3
    assert sum(found.counts) == len(values)


@given(st.lists(ANY, max_size=50))
def test_any_values_can_be_a_reference(values: list[float]) -> None:
    reference = reference_of([measured("x", np.array(values))])
    assert reference.rows[0] == len(values)
    if np.isfinite(values).any():
        again = reference.binning.count(np.array(values)[:, None])
        assert again.counts[0][1:-2].tolist() == reference.counts[0][1:-2].tolist()


def test_other_bins_are_not_added() -> None:
    with pytest.raises(ValueError, match="different bins"):
        _ = mixed().binning.empty() + reference_of([numeric("x", (0, 1), (1,))]).binning.empty()


def mixed() -> Histograms:
    return reference_of(
        [
            numeric("x", (-1, 0, 2), (3, 4)),
            category("c", {"a": 1, "b": 5}, missing=2),
            numeric("gone", (), (), missing=9),
        ]
    )

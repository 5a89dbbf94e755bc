"""The cheap counter and histogram show exactly what prometheus-client's own would, fed one by one."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from andon.kernel.tallies import MANY, BatchCounter, BatchHistogram

BUCKETS = (0.0005, 0.001, 0.01, 0.25, 1.0, 10.0)
LABELS = ("automation", "stage")

seconds = st.one_of(st.floats(0, 20), st.sampled_from(BUCKETS))
labels = st.tuples(st.sampled_from(["a", 'quo"te', "new\nline"]), st.sampled_from(["queue", "whole"]))
many = st.tuples(labels, st.lists(seconds, max_size=3 * MANY), st.booleans())
times = st.tuples(labels, seconds, st.integers(1, 1000))


def shown(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    """Every sample of the exposition, without the moment at which a series was made."""
    return {
        (sample.name, str(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def same(mine: CollectorRegistry, theirs: CollectorRegistry) -> None:
    ours, expected = shown(mine), shown(theirs)
    assert ours.keys() == expected.keys()
    assert all(math.isclose(ours[key], value, rel_tol=1e-9) for key, value in expected.items())


@given(st.lists(many, max_size=4), st.lists(times, max_size=4))
def test_a_histogram_fed_by_batches_is_one_fed_one_by_one(
    batches: list[tuple[tuple[str, str], list[float], bool]], shared: list[tuple[tuple[str, str], float, int]]
) -> None:
    mine, theirs = CollectorRegistry(), CollectorRegistry()
    ours = BatchHistogram("t_seconds", "T.", LABELS, buckets=BUCKETS, registry=mine)
    reference = Histogram("t_seconds", "T.", LABELS, buckets=BUCKETS, registry=theirs)
    for of, values, as_array in batches:
        given_values: Sequence[float] | np.ndarray = np.array(values, dtype=float) if as_array else values
        ours.observe_many(of, given_values)
        child = reference.labels(*of)
        for value in values:
            child.observe(value)
    for of, value, n in shared:
        ours.observe_times(of, value, n)
        child = reference.labels(*of)
        for _ in range(n):
            child.observe(value)
    same(mine, theirs)


@given(st.lists(st.tuples(labels, st.integers(0, 1000)), max_size=20))
def test_a_counter_fed_by_batches_is_one_fed_one_by_one(additions: list[tuple[tuple[str, str], int]]) -> None:
    mine, theirs = CollectorRegistry(), CollectorRegistry()
    ours = BatchCounter("t_total", "T.", LABELS, registry=mine)
    reference = Counter("t_total", "T.", LABELS, registry=theirs)
    for of, n in additions:
        ours.add(of, n)
        reference.labels(*of).inc(n)
    same(mine, theirs)


def test_without_labels_there_is_a_zero_from_the_start() -> None:
    mine, theirs = CollectorRegistry(), CollectorRegistry()
    BatchHistogram("t_seconds", "T.", buckets=BUCKETS, registry=mine)
    BatchCounter("n_total", "N.", registry=mine)
    Histogram("t_seconds", "T.", buckets=BUCKETS, registry=theirs)
    Counter("n_total", "N.", registry=theirs)
    same(mine, theirs)


def test_a_name_is_registered_once() -> None:
    registry = CollectorRegistry()
    BatchHistogram("t_seconds", "T.", buckets=BUCKETS, registry=registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Histogram("t_seconds", "T.", registry=registry)

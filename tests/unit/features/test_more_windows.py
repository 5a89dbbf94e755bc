"""std, distinct, last and since equal those of a plain list of all inputs, in any order and batches."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andon.authoring import Window
from andon.features import FeatureSet, MemoryTiles
from andon.features.sketch import K, count_of, hash_of, smallest, union
from tiling import Tiling

START = datetime(2026, 11, 24, tzinfo=UTC)
SPANS = {"30s": 30, "5m": 300, "24h": 86_400}
TILING = Tiling(SPANS.values())
ASKED = [
    Window("amount", by="account", over=tuple(SPANS), aggregates=("count", "std", "distinct", "last", "since")),
    Window("country", by="account", over=tuple(SPANS), aggregates=("count", "distinct", "last", "since")),
]


@dataclass(frozen=True)
class Transfer:
    """One input and when it happened, in seconds after START."""

    account: str | None
    amount: float | None
    country: str | None
    at: float

    @property
    def row(self) -> dict[str, Any]:
        return {"account": self.account, "amount": self.amount, "country": self.country}

    @property
    def moment(self) -> datetime:
        return START + timedelta(seconds=self.at)

    @property
    def seconds(self) -> float:
        return self.moment.timestamp()


moments = st.one_of(
    st.integers(0, 600),
    st.integers(0, 200_000).map(lambda tenth: tenth / 10),
    st.builds(lambda span, tenth: span + tenth / 10, st.sampled_from(list(SPANS.values())), st.integers(-900, 900)),
)
"""Some of them about a span apart, where windows begin to forget."""

transfers = st.lists(
    st.builds(
        Transfer,
        account=st.sampled_from(["A", "B", None]),
        amount=st.one_of(
            st.floats(-1e6, 1e6).map(lambda amount: round(amount, 3)), st.sampled_from([5.0, 5.0, None, math.nan])
        ),
        country=st.sampled_from(["DE", "FR", "é" * 200, "", None]),
        at=moments,
    ),
    max_size=30,
)


def gone_through(all_: Sequence[Transfer], cuts: Sequence[int]) -> list[dict[str, Any]]:
    """Return the features of all inputs, batch by batch, each recorded before the next."""
    edges = [0, *sorted(min(cut, len(all_)) for cut in cuts), len(all_)]
    tiles, features, rows = MemoryTiles(), FeatureSet("line", ASKED), []
    for batch in (all_[a:b] for a, b in pairwise(edges)):
        inputs, at = [t.row for t in batch], [t.moment for t in batch]
        computed = features.compute(inputs, at, tiles.read(features.needs(inputs, at)))
        tiles.write(computed.deltas)
        rows += computed.rows
    return rows


def value_of(transfer: Transfer, field: str) -> Any:
    value = getattr(transfer, field)
    return None if value is None or value != value else value


def expected(past: Sequence[Transfer], field: str, span: int) -> dict[str, Any]:
    """Return the aggregates by scanning every input; the newest of `past` is the present one."""
    now = past[-1]

    def held(some: Sequence[Transfer]) -> list[Transfer]:
        return [
            t
            for t in some
            if t.account == now.account is not None
            and value_of(t, field) is not None
            and TILING.sees(SPANS.values(), span, now.seconds, t.seconds)
        ]

    with_now, before = held(past), held(past[:-1])
    values = [value_of(t, field) for t in with_now]
    newest = max(before, key=lambda t: t.seconds, default=None)
    newest = None if newest is None else [t for t in before if t.seconds == newest.seconds][-1]
    return {
        "count": len(values),
        "std": statistics.stdev(values) if field == "amount" and len(values) > 1 else None,
        "distinct": len(set(values)),
        "last": None if newest is None else value_of(newest, field),
        "since": None if newest is None else max(0.0, now.seconds - newest.seconds),
    }


@given(transfers, st.lists(st.integers(0, 30), max_size=5))
def test_every_aggregate_equals_a_recount(all_: list[Transfer], cuts: list[int]) -> None:
    for number, row in enumerate(gone_through(all_, cuts)):
        for window in ASKED:
            for span in SPANS:
                told = expected(all_[: number + 1], window.field, SPANS[span])
                for aggregate in window.aggregates:
                    found = row[f"{window.field}_{aggregate}_{span}"]
                    if aggregate == "last" and window.field == "country" and found is not None:
                        assert (found == told["last"]) or (found.startswith("sha256:") and len(told["last"]) > 128)
                    elif found is None or told[aggregate] is None:
                        assert found is told[aggregate], (number, aggregate, span)
                    else:
                        assert found == pytest.approx(told[aggregate], rel=1e-9, abs=1e-6), (number, aggregate, span)


hashes = st.sets(st.integers(0, 2**63 - 1), max_size=3 * K)


@given(hashes, hashes, hashes)
def test_sketches_merge_in_any_order(one: set[int], two: set[int], three: set[int]) -> None:
    a, b, c = smallest(one), smallest(two), smallest(three)
    assert union(union(a, b), c) == union(a, union(c, b)) == smallest(one | two | three)


def test_below_k_a_sketch_counts_exactly_and_beyond_it_within_its_error() -> None:
    assert count_of({hash_of(float(n)) for n in range(K - 1)}) == K - 1
    errors = []
    for run in range(40):
        told = count_of(smallest({hash_of(f"{run}/{n}") for n in range(5_000)}))
        errors.append((told - 5_000) / 5_000)
    assert abs(statistics.mean(errors)) < 0.05
    assert statistics.pstdev(errors) == pytest.approx(1 / math.sqrt(K - 2), rel=0.4)


def test_one_and_one_point_zero_are_the_same_value_and_the_text_is_another() -> None:
    assert hash_of(1) == hash_of(1.0) != hash_of("1")
    assert hash_of(0.0) == hash_of(-0.0)


def test_a_deviation_of_large_close_values_is_not_lost_to_rounding() -> None:
    features, at = FeatureSet("line", [Window("x", by="k", over=("1h",), aggregates=("std",))]), [START] * 4
    rows = [{"k": 1, "x": 1e9 + d} for d in (4.0, 7.0, 13.0, 16.0)]
    assert features.compute(rows, at, {}).rows[-1]["x_std_1h"] == pytest.approx(math.sqrt(30), rel=1e-9)

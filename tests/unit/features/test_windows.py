"""Windows say what a plain list of all inputs would say, however the inputs were cut into batches."""

import math
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
from andon.features.domain import MOST_TILES_KEPT, MOST_TILES_PER_SPAN, TILES_PER_SPAN, Step, TileDelta, steps_of
from andon.features.states import SumState
from tiling import Tiling

START = datetime(2026, 11, 24, tzinfo=UTC)
SPANS = {"30s": 30, "5m": 300, "1h": 3600, "24h": 86_400}
TILING = Tiling(SPANS.values())


@dataclass(frozen=True)
class Transfer:
    """One input and when it came, in seconds after START."""

    account: str | None
    amount: float | None
    at: float

    @property
    def row(self) -> dict[str, Any]:
        return {"account": self.account, "amount": self.amount}

    @property
    def moment(self) -> datetime:
        return START + timedelta(seconds=self.at)


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
        amount=st.one_of(st.integers(-1000, 1000).map(float), st.sampled_from([None, math.nan, math.inf])),
        at=moments,
    ),
    max_size=40,
)


def gone_through(batches: Sequence[Sequence[Transfer]], window: Window) -> list[dict[str, Any]]:
    """Return the features of all inputs, batch by batch, each recorded before the next."""
    tiles, features, rows = MemoryTiles(), FeatureSet("line", [window]), []
    for batch in batches:
        inputs, at = [t.row for t in batch], [t.moment for t in batch]
        computed = features.compute(inputs, at, tiles.read(features.needs(inputs, at)))
        tiles.write(computed.deltas)
        rows += computed.rows
    return rows


def expected(past: Sequence[Transfer], now: Transfer, span: int) -> list[float | None]:
    """Count, sum, mean, min and max by looking at every input again, as if each had come at the start of its tile."""
    moment = now.moment.timestamp()
    amounts = [
        t.amount
        for t in past
        if t.account == now.account is not None
        and t.amount is not None
        and math.isfinite(t.amount)
        and TILING.sees(SPANS.values(), span, moment, t.moment.timestamp())
    ]
    if not amounts:
        return [0, 0.0, None, None, None]
    return [len(amounts), sum(amounts), sum(amounts) / len(amounts), min(amounts), max(amounts)]


@given(transfers, st.lists(st.integers(0, 40), max_size=5))
def test_every_aggregate_equals_a_recount_at_tile_resolution(all_: list[Transfer], cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(all_)) for cut in cuts), len(all_)]
    batches = [all_[a:b] for a, b in pairwise(edges)]
    window = Window("amount", by="account", over=tuple(SPANS), aggregates=("count", "sum", "mean", "min", "max"))
    for number, (row, now) in enumerate(zip(gone_through(batches, window), all_, strict=True)):
        for span, seconds in SPANS.items():
            found = [row[f"amount_{aggregate}_{span}"] for aggregate in window.aggregates]
            assert found == expected(all_[: number + 1], now, seconds)


@given(transfers, transfers, st.lists(st.integers(0, 40), max_size=5))
def test_a_key_that_comes_once_in_a_batch_sees_and_adds_to_the_last_bit_what_any_key_does(
    before: list[Transfer], batch: list[Transfer], doubled: list[int]
) -> None:
    window = Window("amount", by="account", over=tuple(SPANS), aggregates=("count", "sum", "mean", "min", "max"))
    features, stored = FeatureSet("line", [window]), MemoryTiles()
    inputs, at = [t.row for t in before], [t.moment for t in before]
    stored.write(features.compute(inputs, at, stored.read(features.needs(inputs, at))).deltas)
    several = [t for number, t in enumerate(batch) for _ in range(1 + (number in doubled))]
    inputs, at = [t.row for t in several], [t.moment for t in several]
    snapshot = stored.read(features.needs(inputs, at))
    [plan] = features.plans
    states: dict[str, list[SumState]] = {}
    rows: list[dict[str, Any]] = []
    for t in several:
        key = t.account or f"nobody {len(rows)}"
        known = states.setdefault(
            key, [SumState(one, snapshot.get(one.series, {}).get(key, ())) for one in plan.layers]
        )
        rows.append({})
        for state in known:
            state.passed(plan.entry(t.row) if t.account else None, t.moment.timestamp(), rows[-1])
    deltas: list[TileDelta] = []
    for key, known in states.items():
        for state in known:
            state.add_deltas(key, 0, 0, deltas)
    computed = features.compute(inputs, at, snapshot)
    assert computed.rows == rows
    assert sorted(computed.deltas, key=repr) == sorted(deltas, key=repr)


@pytest.mark.parametrize("over", [("5m",), ("30s", "5m")], ids=["alone", "in the narrower tiles of a shorter one"])
@given(transfers)
def test_a_window_forgets_at_most_one_tile_width_early_and_never_remembers_too_long(
    over: tuple[str, ...], all_: list[Transfer]
) -> None:
    width = Tiling(SPANS[span] for span in over).width(300)
    in_order = sorted((t for t in all_ if t.account and t.amount == t.amount and t.amount), key=lambda t: t.at)
    in_order = [t for t in in_order if math.isfinite(t.amount or 0)]
    rows = gone_through([in_order], Window("amount", by="account", over=over, aggregates=("count",)))
    for number, (row, now) in enumerate(zip(rows, in_order, strict=True)):
        ages = [now.at - t.at for t in in_order[: number + 1] if t.account == now.account]
        surely, at_most = sum(age <= 300 - width for age in ages), sum(age < 300 for age in ages)
        assert surely <= row["amount_count_5m"] <= at_most


@given(st.sets(st.integers(1, 10**7), min_size=1, max_size=6), st.sampled_from([0, 3_600, 10**6]))
def test_tiles_are_fine_enough_for_their_span_and_never_too_many(spans: set[int], kept: int) -> None:
    found = steps_of(spans, kept)
    assert sorted(spans)[-1] == found[-1][-1].longest
    for steps in found:
        for one, other in pairwise(steps):
            assert one.longest + kept <= one.width * MOST_TILES_KEPT
            assert other.width % one.width == 0 < other.width
    every = [step for steps in found for step in steps]
    for span in spans:
        width = next(step.width for step in every if span <= step.longest)
        assert width <= max(1, span / TILES_PER_SPAN)
        assert span <= max(width * MOST_TILES_PER_SPAN, 2 * TILES_PER_SPAN - 1)


@pytest.mark.parametrize("aggregates", [("count",), ("count", "last")], ids=["sums", "more"])
@given(st.integers(0, 100), st.integers(700, 740))
def test_a_span_hardly_longer_than_another_sees_no_less_though_its_tiles_are_wider(
    aggregates: tuple[str, ...], begun: int, age: int
) -> None:
    assert steps_of([30, 720, 721], 0) == [[Step(1, 720), Step(12, 721)]]
    past = [Transfer("A", 1.0, begun), Transfer("A", 2.0, begun + age)]
    window = Window("amount", by="account", over=("30s", "12m", "721s"), aggregates=aggregates)
    last = gone_through([[one] for one in past], window)[-1]
    for aggregate in aggregates:
        shorter, longer = (last[f"amount_{aggregate}_{span}"] for span in ("12m", "721s"))
        assert shorter is None or longer >= shorter
    assert last["amount_count_12m"] == 1 + (age < 720)


def test_two_windows_over_the_same_fields_count_an_input_once() -> None:
    features = FeatureSet(
        "line",
        [
            Window("amount", by="account", over=("10m",), aggregates=("count",)),
            Window("amount", by="account", over=("20m", "10m"), aggregates=("max",)),
        ],
    )
    computed = features.compute([{"amount": 3.0, "account": "A"}], [START], {})
    assert computed.rows == [{"amount_count_10m": 1, "amount_max_10m": 3.0, "amount_max_20m": 3.0}]
    assert [delta.entries for delta in computed.deltas] == [1]


def test_a_window_of_days_does_not_make_a_short_one_coarse() -> None:
    assert steps_of([600, 3600, 86_400, 604_800], 3600) == [[Step(10, 3600), Step(1440, 604_800)]]


def test_tiles_that_would_stay_narrow_for_long_are_kept_beside_wider_ones() -> None:
    assert steps_of([600, 86_400], 10 * 3600) == [[Step(10, 600)], [Step(1440, 86_400)]]

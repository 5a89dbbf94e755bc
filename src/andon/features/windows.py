"""Windows over one batch: tiles of the snapshot and of the batch itself, summed for each input in arrival order."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias, cast

from andon.authoring import AGGREGATES, OF_NUMBERS, Window, span_of
from andon.features.columns import Delta, Own, Stretches, TileColumns
from andon.features.domain import Need, Row, Series, Snapshot, Tile, TileDelta, Value, steps_of
from andon.features.states import Entry, FullState, Layer, SumState, look_back
from andon.features.values import counted, entry_of, key_text

_OF_SUMS = frozenset(AGGREGATES[:5])
"""The aggregates that plain tiles can tell."""


class WindowPlan:
    """All windows over one field by one other, prepared: they count an input once and share its tiles."""

    def __init__(self, automation: str, windows: Sequence[Window], kept: int) -> None:
        self.automation = automation
        self.field = windows[0].field
        self.by = windows[0].by
        wanted = {aggregate for window in windows for aggregate in window.aggregates}
        self.numeric = not wanted.isdisjoint(OF_NUMBERS)
        self.more = not wanted <= _OF_SUMS
        self.state = FullState if self.more else SumState
        beyond = ("std" in wanted, not wanted.isdisjoint(("last", "since")), "distinct" in wanted)
        every = steps_of({_seconds(span) for window in windows for span in window.over}, kept)
        self.layers = [
            Layer(
                Series.of(automation, self.field, self.by, steps, apart=steps is not every[-1]),
                beyond if self.more else None,
            )
            for steps in every
        ]
        for window in windows:
            for span in window.over:
                named = [(name, AGGREGATES.index(a)) for name, over, a in window.named if over == span]
                self._layer_of(_seconds(span)).add(_seconds(span), named)

    def _layer_of(self, span: int) -> Layer:
        return next(layer for layer in self.layers if span <= layer.series.steps[-1].longest)

    def entry(self, row: Row) -> Entry | None:
        """Return what an input adds; None if its value is missing, or not a number where numbers are summed."""
        value = row.get(self.field)
        if not self.numeric:
            return entry_of(value)
        number = counted(value)
        return None if number is None else (number, number)


def plans_of(automation: str, windows: Sequence[Window], kept: int) -> list[WindowPlan]:
    """Return a plan for each pair of fields in windows; tiles are kept `kept` seconds longer than windows need."""
    pairs: dict[tuple[str, str], list[Window]] = {}
    for window in windows:
        pairs.setdefault((window.field, window.by), []).append(window)
    return [WindowPlan(automation, together, kept) for together in pairs.values()]


def needed(plans: Sequence[WindowPlan], rows: Sequence[Row], at: Sequence[float]) -> list[Need]:
    """Return the tiles that a batch reads."""
    first, last = min(at), max(at)
    needs = []
    for plan in plans:
        values = {key_text(row.get(plan.by)) for row in rows}
        values.discard(None)
        if values:
            known = cast(list[str], list(values))
            needs += [layer.need(known, first, last) for layer in plan.layers]
    return needs


_NONE: Mapping[str, Sequence[Tile]] = {}

_Sums: TypeAlias = tuple[int, float, float, float]
"""Entries, total, least and most."""

_NONE_YET: _Sums = (0, 0.0, math.inf, -math.inf)
"""A key without additions in the batch."""


def _with(sums: _Sums, amount: float) -> _Sums:
    """Return the sums with one entry more."""
    if sums is _NONE_YET:
        return 1, amount, amount, amount
    entries, total, least, most = sums
    return entries + 1, total + amount, min(least, amount), max(most, amount)


class PlanState:
    """The tiles of one plan during a batch.

    Where tiles come as columns, the batch is summed at once. Otherwise most keys occur once in it: then the stored
    tiles and the input itself are enough, where tiles hold sums.
    """

    def __init__(self, plan: WindowPlan, snapshot: Snapshot) -> None:
        self._plan = plan
        self._stored = [(layer, snapshot.get(layer.series, _NONE)) for layer in plan.layers]
        self._together: tuple[float, dict[str, _Sums]] | None = None
        self._once: dict[str, tuple[Entry | None, float]] = {}
        self._by_value: dict[str, list[SumState]] = {}

    def pass_all(self, rows: Sequence[Row], at: Sequence[float], features: Sequence[dict[str, Value]]) -> None:
        """Count a batch of inputs, in arrival order, in the windows of the plan, and write the features of each."""
        columns = [(layer, tiles) for layer, tiles in self._stored if isinstance(tiles, Stretches)]
        if len(columns) == len(self._stored):
            self._pass_together(rows, at[0], columns, features)
        else:
            for row, moment, seen in zip(rows, at, features, strict=True):
                self.pass_through(row, moment, seen)

    def _pass_together(
        self,
        rows: Sequence[Row],
        at: float,
        columns: Sequence[tuple[Layer, Stretches]],
        features: Sequence[dict[str, Value]],
    ) -> None:
        """Write the features of inputs within one tile, where the stored tiles are columns."""
        plan = self._plan
        keys = [key_text(row.get(plan.by)) for row in rows]
        sums: dict[str, _Sums] = {}
        own = []
        for key, row in zip(keys, rows, strict=True):
            held = _NONE_YET if key is None else sums.get(key, _NONE_YET)
            if key is not None and (entry := plan.entry(row)) is not None:
                held = sums[key] = _with(held, entry[0])
            own.append(held)
        self._together = at, dict(sorted(sums.items()))
        seen = Own.of(own)
        for layer, tiles in columns:
            for name, column in tiles.look_back(layer, keys, seen):
                for row_features, value in zip(features, column, strict=True):
                    row_features[name] = value

    def pass_through(self, row: Row, at: float, features: dict[str, Value]) -> None:
        """Count an input in the windows of the plan, and write its features."""
        plan = self._plan
        value = key_text(row.get(plan.by))
        if value is None:
            for layer in plan.layers:
                plan.state(layer, ()).passed(None, at, features)
            return
        entry = plan.entry(row)
        if not plan.more and value not in self._once and value not in self._by_value:
            self._once[value] = (entry, at)
            for layer, tiles in self._stored:
                look_back(layer, tiles.get(value, ()), at, entry, features)
            return
        for state in self._states_of(value):
            state.passed(entry, at, features)

    def look_in(self, row: Row, at: float, features: dict[str, Value]) -> None:
        """Write the features of an input that is not placed in the windows, as if it were; no other input sees it."""
        value = key_text(row.get(self._plan.by))
        entry = None if value is None else self._plan.entry(row)
        if value is None:
            states = [self._plan.state(layer, ()) for layer in self._plan.layers]
        elif value in self._by_value or value in self._once:
            states = [state.copied() for state in self._states_of(value)]
        else:
            states = self._new_states(value)
        for state in states:
            state.passed(entry, at, features)

    def deltas(self, kept: int, now: int) -> list[Delta]:
        """Return the batch's additions, each tile once.

        They are kept `kept` seconds longer than windows need them, at least from `now` on.
        """
        layers = self._plan.layers
        added: list[TileDelta] = [
            layer.delta_of(value, entry, at, kept, now)
            for value, (entry, at) in self._once.items()
            if entry is not None
            for layer in layers
        ]
        for value, states in self._by_value.items():
            for state in states:
                state.add_deltas(value, kept, now, added)
        return [*added, *self._columns(kept, now)]

    def _columns(self, kept: int, now: int) -> Iterator[TileColumns]:
        if self._together is None:
            return
        at, sums = self._together
        values, own = list(sums), Own.of(list(sums.values()))
        for layer in self._plan.layers:
            start = layer.first.start_of(at)
            yield TileColumns(layer.series, start, layer.until(start, kept, now), values, own)

    def _states_of(self, value: str) -> list[SumState]:
        """Return the states of a key, including its one earlier input, if any."""
        states = self._by_value.get(value)
        if states is None:
            states = self._by_value[value] = self._new_states(value)
            entry, at = self._once.pop(value, (None, 0.0))
            if entry is not None:
                for state in states:
                    state.count(entry, at)
        return states

    def _new_states(self, value: str) -> list[SumState]:
        state = self._plan.state
        return [state(layer, tiles.get(value, ())) for layer, tiles in self._stored]


def _seconds(span: str) -> int:
    return int(span_of(span).total_seconds())

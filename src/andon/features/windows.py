"""Windows over one batch: tiles of the snapshot and of the batch itself, summed for each input in arrival order."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import numpy as np

from andon.authoring import AGGREGATES, OF_NUMBERS, Window, span_of
from andon.features.columns import Delta, Stretches, Sums, TileColumns
from andon.features.domain import Need, Row, Series, Snapshot, Tile, TileDelta, Value, width_by_span
from andon.features.states import Entry, FullState, Layer, SumState, look_back
from andon.features.values import counted, entry_of, key_text

_OF_SUMS = frozenset(AGGREGATES[:5])
"""The aggregates that plain tiles can tell."""


class WindowPlan:
    """All windows over one field by one other, prepared: they count an input once and share its tiles."""

    def __init__(self, automation: str, windows: Sequence[Window]) -> None:
        self.automation = automation
        self.field = windows[0].field
        self.by = windows[0].by
        wanted = {aggregate for window in windows for aggregate in window.aggregates}
        self.numeric = not wanted.isdisjoint(OF_NUMBERS)
        self.more = not wanted <= _OF_SUMS
        self.state = FullState if self.more else SumState
        beyond = ("std" in wanted, not wanted.isdisjoint(("last", "since")), "distinct" in wanted)
        widths = width_by_span(_seconds(span) for window in windows for span in window.over)
        by_width = {
            width: Layer(Series.of(automation, self.field, self.by, width), beyond if self.more else None)
            for width in widths.values()
        }
        for window in windows:
            for span in window.over:
                named = [(name, AGGREGATES.index(a)) for name, over, a in window.named if over == span]
                by_width[widths[_seconds(span)]].add(_seconds(span), named)
        self.layers = list(by_width.values())

    def entry(self, row: Row) -> Entry | None:
        """What an input adds; None if its value is missing or no number where numbers are summed."""
        value = row.get(self.field)
        if not self.numeric:
            return entry_of(value)
        number = counted(value)
        return None if number is None else (number, number)


def plans_of(automation: str, windows: Sequence[Window]) -> list[WindowPlan]:
    """A plan for each pair of fields that windows look at."""
    pairs: dict[tuple[str, str], list[Window]] = {}
    for window in windows:
        pairs.setdefault((window.field, window.by), []).append(window)
    return [WindowPlan(automation, together) for together in pairs.values()]


def needed(plans: Sequence[WindowPlan], rows: Sequence[Row], at: Sequence[float]) -> list[Need]:
    """The tiles that a batch reads."""
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


class PlanState:
    """The tiles of one plan while a batch is gone through.

    Most keys occur once in a batch: then looking at what is stored and at the input itself is enough, where tiles hold sums.
    """

    def __init__(self, plan: WindowPlan, snapshot: Snapshot) -> None:
        self._plan = plan
        self._stored = [(layer, snapshot.get(layer.series, _NONE)) for layer in plan.layers]
        self._together: tuple[list[str], Sums, Sums] | None = None
        self._once: dict[str, tuple[Entry | None, float]] = {}
        self._by_value: dict[str, list[SumState]] = {}

    def pass_all(self, rows: Sequence[Row], at: Sequence[float], features: Sequence[dict[str, Value]]) -> None:
        """Count a batch of inputs, in arrival order, in the windows of the plan, and say what each of them sees."""
        left: Iterable[int] = range(len(rows))
        if all(isinstance(tiles, Stretches) for _, tiles in self._stored):
            left = self._pass_together(rows, at, features)
        for number in left:
            self.pass_through(rows[number], at[number], features[number])

    def _pass_together(
        self, rows: Sequence[Row], at: Sequence[float], features: Sequence[dict[str, Value]]
    ) -> list[int]:
        """The same for those whose key occurs once in the batch; the numbers of the others."""
        plan = self._plan
        keys, entries = [key_text(row.get(plan.by)) for row in rows], [plan.entry(row) for row in rows]
        times = Counter(keys)
        alone = {n: key for n, key in enumerate(keys) if key is not None and times[key] == 1 and entries[n] is not None}
        if not alone:
            return list(range(len(rows)))
        ordered = sorted(alone, key=alone.__getitem__)
        values = [alone[n] for n in ordered]
        amounts = np.array([cast(Entry, entries[n])[0] for n in ordered], np.float64)
        self._together = values, amounts, np.array([at[n] for n in ordered], np.float64)
        rows_seen = [features[n] for n in ordered]
        left = [number for number in range(len(rows)) if number not in alone]
        others = list({key for n in left if (key := keys[n]) is not None})
        for at_layer, (layer, tiles) in enumerate(self._stored):
            stretches = cast(Stretches, tiles)
            for name, column in stretches.look_back(layer, values, amounts):
                for seen, value in zip(rows_seen, column, strict=False):
                    seen[name] = value
            self._stored[at_layer] = layer, stretches.some(others)
        return left

    def pass_through(self, row: Row, at: float, features: dict[str, Value]) -> None:
        """Count an input in the windows of the plan, and say what they hold then."""
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
        """What the windows would hold with an input that is not placed in them: nobody else sees it."""
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
        """What the batch adds, each tile once; kept so many seconds longer than windows need it, at least from `now` on."""
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
        if self._together is None:
            return [*added]
        return [*(TileColumns.of(layer, *self._together, kept, now) for layer in layers), *added]

    def _states_of(self, value: str) -> list[SumState]:
        """The states of a key, with the one input of it that was gone by, if any."""
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
